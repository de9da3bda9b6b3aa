import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { machineMemoryBytes, workerMemoryMb } from './machine-memory.ts';

const GIGABYTE = 1024 ** 3;

test('workers share the memory of the machine, each within a minimum and a maximum', () => {
  const limits = [
    { gigabytes: 1, workers: 2, mb: 512 },
    { gigabytes: 4, workers: 2, mb: 1024 },
    { gigabytes: 8, workers: 4, mb: 1228 },
    { gigabytes: 16, workers: 16, mb: 722 },
    { gigabytes: 64, workers: 8, mb: 2048 },
    { gigabytes: 16, workers: 0, mb: 2048 },
  ];
  for (const { gigabytes, workers, mb } of limits) {
    assert.equal(workerMemoryMb({ machineBytes: gigabytes * GIGABYTE, workers }), mb, `${gigabytes} GB, ${workers}`);
  }
});

test('the setting overrides the derived limit', () => {
  const derived = workerMemoryMb({ machineBytes: machineMemoryBytes(), workers: 3 });
  assert.equal(readConfig({ REELVEC_WORKERS: '3' }, {}).workerMemoryBytes, derived * 1024 ** 2);
  assert.equal(readConfig({ REELVEC_WORKER_MEMORY_MB: '300' }, {}).workerMemoryBytes, 300 * 1024 ** 2);
});
