import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countWords, firstWords } from './words.ts';

test('words are counted and kept in any language', () => {
  assert.deepEqual(['', 'two dogs, play!', '犬が 走る'].map(countWords), [0, 3, countWords('犬が走る')]);
  assert.equal(firstWords('two dogs, play!', 2), 'two dogs,');
  assert.equal(firstWords('two dogs, play!', 3), 'two dogs, play!');
  assert.equal(firstWords('two dogs', 0), '');
});
