import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleNames } from './bundles.ts';
import { formatHours, workHours } from './work-estimate.ts';

test('the work of a bundle is divided among the cores', () => {
  const [slow, fast] = [2, 16].map((cores) => workHours('clip', { coreSpeed: 50, cores })!);
  assert.ok(slow! > 0 && Math.abs(slow! / fast! - 8) < 1e-9);
  assert.ok(workHours('clip-light', { coreSpeed: 50, cores: 2 })! < slow!);
  assert.ok(workHours('gemma', { coreSpeed: 50, cores: 2 })! > slow!);
});

test('every shipped bundle with models has an estimate', () => {
  const without = bundleNames().filter((name) => workHours(name, { coreSpeed: 50, cores: 2 }) === undefined);
  assert.deepEqual(without, ['signal']);
});

test('hours have two digits', () => {
  assert.deepEqual([0.0523, 0.349, 4.2, 17.4, 120].map(formatHours), ['0.052', '0.35', '4.2', '17', '120']);
});
