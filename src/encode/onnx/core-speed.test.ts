import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../../test/support/onnx/graph.ts';
import { measureCoreSpeed, PRODUCT_GRAPH } from './core-speed.ts';

test('the speed of a core is measured with the graph of a matrix product', async () => {
  const graph = new GraphBuilder();
  const factors = [graph.input('a', 'float32', ['m', 'k']), graph.input('b', 'float32', ['k', 'n'])];
  graph.node('MatMul', factors, {}, 'c');
  graph.output('c', ['m', 'n']);
  assert.deepEqual(PRODUCT_GRAPH, Buffer.from(graph.build('product')));
  const speed = await measureCoreSpeed();
  assert.ok(speed > 0.1 && speed < 10_000, `${speed} GFLOP/s`);
});
