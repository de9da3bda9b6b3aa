import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasLoop } from './repetition.ts';

/** Words at an even pace. */
const spoken = (text: string, perSec: number) =>
  text.split(' ').map((word, i) => ({ text: word, startSec: i / perSec, endSec: (i + 1) / perSec }));
const LOOP = "Well, there's not much difference. I'm in Chicago. well there's not much difference, I'm in Chicago";

test('a passage that follows itself is a loop, in any case and punctuation', () => {
  assert.ok(hasLoop(spoken(`This is Diane. ${LOOP} and so on`, 4)));
});

test('a slow repetition, as of a refrain, is no loop', () => {
  assert.ok(!hasLoop(spoken(LOOP, 2)));
});

test('short repetitions and distant ones are no loops', () => {
  assert.ok(!hasLoop(spoken('no no no no no I said no no no no no', 4)));
  assert.ok(!hasLoop(spoken('it is not much of a difference to me it is not much of a change to them', 4)));
  assert.ok(!hasLoop([]));
});
