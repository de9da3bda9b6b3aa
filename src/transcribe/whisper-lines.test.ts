import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from './whisper-lines.ts';

const line = (text: string, startMs = 0, endMs = 100) => `{"start":${startMs},"end":${endMs},"text":"${text}"}\n`;
const texts = (...words: string[]) => wordsOf(words.map((word) => line(word)).join('')).map(({ text }) => text);

test('words come with their times in seconds', () => {
  assert.deepEqual(wordsOf(line('hello', 1200, 1450) + line('world', 1450, 2000)), [
    { startSec: 1.2, endSec: 1.45, text: 'hello' },
    { startSec: 1.45, endSec: 2, text: 'world' },
  ]);
});

test('quotation marks, braces and backslashes are part of words', () => {
  assert.deepEqual(texts('"quoted"', '","end":1}', 'back\\slash'), ['"quoted"', '","end":1}', 'back\\slash']);
});

test('sound descriptions of one word or several are dropped', () => {
  assert.deepEqual(texts('[Music]', 'yes', '(dramatic', 'music)', 'no', '♪', 'la', 'la', '♪', '*coughs*'), [
    'yes',
    'no',
  ]);
});

test('an unclosed bracket drops no words', () => {
  assert.deepEqual(texts('(well', 'that', 'is', 'that'), ['(well', 'that', 'is', 'that']);
  assert.deepEqual(texts('♪', 'said', 'she'), ['said', 'she']);
});

test('a truncated line and one without words are dropped', () => {
  assert.deepEqual(wordsOf(`${line('   ')}{"start":1,"end"`), []);
});
