"""Writes test/support/soft-tokens-original.json: the results of Gemma 4's picture and sound processors in transformers, with
which the tests of patches and mel frames compare. PyPI: transformers (5.18 or newer), numpy, and pillow before 13,
which changed the order of the passes of a resize. No weights are needed.

Usage: python3 scripts/reference/soft-tokens.py MEDIA_FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy
import PIL
import transformers
from PIL import Image
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_pil_gemma4 import (
    Gemma4ImageProcessorPil,
    get_aspect_ratio_preserving_size,
)

BUDGETS = [70, 140, 280]
PICTURES = [
    {"width": 480, "height": 336, "maxTokens": 70},
    {"width": 100, "height": 75, "maxTokens": 70},
    {"width": 1280, "height": 720, "maxTokens": 140},
    {"width": 333, "height": 1000, "maxTokens": 70},
    {"width": 2000, "height": 30, "maxTokens": 70},
    {"width": 960, "height": 672, "maxTokens": 280},
]
SOUNDS = [
    {"kind": "noise", "samples": 1},
    {"kind": "noise", "samples": 160},
    {"kind": "noise", "samples": 161},
    {"kind": "noise", "samples": 320},
    {"kind": "silence", "samples": 16000},
    {"kind": "tones", "samples": 16000},
    {"kind": "noise", "samples": 40001},
    {"kind": "noise", "samples": 480000},
    {"kind": "tones", "samples": 500000},
    {"kind": "speech", "samples": 96000},
]
SAMPLED = 32


def randoms(count):
    """Linear congruential generator modulo 2³² with the constants of Numerical Recipes, from 1."""
    out = numpy.empty(count, dtype=numpy.int64)
    state = 1
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state
    return out


def picture(width, height):
    return (randoms(width * height * 3) >> 24).astype(numpy.uint8).reshape(height, width, 3)


def sound(kind, samples):
    if kind == "silence":
        return numpy.zeros(samples, dtype=numpy.float32)
    if kind == "noise":
        return ((randoms(samples) >> 8) / 2**24 - 0.5).astype(numpy.float32)
    if kind == "speech":
        wav = (Path(sys.argv[1]) / "audio" / "speech" / "jfk.wav").read_bytes()
        start = wav.index(b"data") + 8
        return (numpy.frombuffer(wav, dtype="<i2", offset=start, count=samples) / 32768).astype(numpy.float32)
    time = numpy.arange(samples) / 16000
    return sum(0.2 * numpy.sin(2 * numpy.pi * hertz * time) for hertz in (60, 440, 3000)).astype(numpy.float32)


def sampled(values, digits):
    """Every so many of all values. An odd step meets every band."""
    flat = numpy.asarray(values, dtype=numpy.float64).reshape(-1)
    step = max(1, flat.size // SAMPLED) | 1
    return {"length": flat.size, "step": step, "values": [round(float(v), digits) for v in flat[::step]]}


def patches(width, height, maxTokens):
    out = Gemma4ImageProcessorPil(max_soft_tokens=maxTokens)(Image.fromarray(picture(width, height)))
    tokens = int(out["num_soft_tokens_per_image"][0])
    values = numpy.asarray(out["pixel_values"][0])
    pixels = numpy.rint(values * 255).astype(numpy.uint8)
    positions = numpy.asarray(out["image_position_ids"][0]).astype("<i8")
    return {
        "width": width, "height": height, "maxTokens": maxTokens, "softTokens": tokens,
        "pixelsSha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "positionsSha256": hashlib.sha256(positions.tobytes()).hexdigest(),
    }


def frames(kind, samples):
    out = Gemma4AudioFeatureExtractor()([sound(kind, samples)], return_tensors="np")
    features, mask = out["input_features"][0], out["input_features_mask"][0]
    return {
        "kind": kind, "samples": samples, "frames": len(features), "whole": int(mask.sum()),
        "softTokens": int(mask[::4].sum()), "features": sampled(features, 6),
    }


def sizes():
    numbers = randoms(80) >> 16
    out = []
    for width, height in (numbers.reshape(-1, 2) % 4000 + 16).tolist():
        for budget in BUDGETS:
            tall, wide = get_aspect_ratio_preserving_size(height, width, 16, budget * 9, 3)
            out.append([width, height, budget, wide, tall])
    return out


reference = {
    "made with": {"transformers": transformers.__version__, "Pillow": PIL.__version__, "numpy": numpy.__version__},
    "sizes": sizes(),
    "pictures": [patches(**each) for each in PICTURES],
    "sounds": [frames(**each) for each in SOUNDS],
}
target = Path(__file__).parents[2] / "test" / "support" / "soft-tokens-original.json"
target.write_text(json.dumps(reference) + "\n")
