import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkCount, chunkSizeFor } from './upload.ts';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

test('the chunk size grows with the file, within the limits of clients and buckets', () => {
  const planned = [1, 512 * MEBIBYTE, GIBIBYTE, GIBIBYTE + 1, 2 * GIBIBYTE, 4 * GIBIBYTE, 40 * GIBIBYTE].map(
    (totalSize) => {
      const chunkSize = chunkSizeFor(totalSize);
      return [chunkSize / MEBIBYTE, chunkCount({ totalSize, chunkSize })];
    },
  );
  assert.deepEqual(planned, [
    [8, 1],
    [8, 64],
    [16, 64],
    [17, 61],
    [32, 64],
    [32, 128],
    [41, 1000],
  ]);
});
