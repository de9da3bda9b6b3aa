import assert from 'node:assert/strict';
import { test } from 'node:test';
import { updatedDocument } from '../bench/results-table.ts';

test('bench/RESULTS.md shows the figures of bench/results.json (npm run bench:table writes it)', () => {
  const { current, updated } = updatedDocument();
  assert.equal(current, updated);
});
