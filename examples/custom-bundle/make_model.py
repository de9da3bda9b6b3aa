"""Writes colours.onnx: pictures of 224 x 224 pixels in, vectors of 512 values out (pip install onnx).

The picture is averaged over an 8 x 8 grid; a fixed random projection spreads the 192 means over 512 values. reelvec scales the
vectors to length 1.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GRID, SIDE, DIMENSION = 8, 224, 512

random = np.random.default_rng(seed=1)
projection = random.standard_normal((3 * GRID * GRID, DIMENSION)).astype(np.float32)

graph = helper.make_graph(
    name="colours",
    inputs=[helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
    outputs=[helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", DIMENSION])],
    initializer=[numpy_helper.from_array(projection, name="projection")],
    nodes=[
        helper.make_node(
            "AveragePool",
            ["pixel_values"],
            ["means"],
            kernel_shape=[SIDE // GRID, SIDE // GRID],
            strides=[SIDE // GRID, SIDE // GRID],
        ),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["image_embeds"]),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, Path(__file__).with_name("colours.onnx"))
