import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subtitleText, textOfSegments } from './subtitles.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('each codec gives its plain text', () => {
  assert.equal(subtitleText('subrip', bytes('<i>Hello</i>\r\n{\\an8}world')), 'Hello world');
  assert.equal(subtitleText('webvtt', bytes('<v Ann>fish &amp; <00:01.000>chips')), 'fish & chips');
  assert.equal(subtitleText('ass', bytes('0,0,Default,,0,0,0,,{\\b1}Well,\\Nyes')), 'Well, yes');
  assert.equal(subtitleText('ass', bytes('0,0,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}')), '');
  assert.equal(subtitleText('mov_text', Uint8Array.from([0, 2, 72, 105, 0, 0, 0, 12])), 'Hi');
  assert.equal(subtitleText('mov_text', Uint8Array.from([0, 0])), '');
});

test('each word is in the segment in which it is said, and in no other', () => {
  const cues = [
    { startSec: 7, endSec: 9, text: 'late' },
    { startSec: 2, endSec: 6, text: 'one two three four' },
  ];
  const segments = [
    { startSec: 0, endSec: 4 },
    { startSec: 4, endSec: 6 },
    { startSec: 6, endSec: 7 },
    { startSec: 7, endSec: 10 },
  ];
  assert.deepEqual(textOfSegments(cues, segments), ['one two', 'three four', '', 'late']);
});

test('words outside all segments are left out', () => {
  const cues = [{ startSec: 0, endSec: 4, text: 'a b' }];
  assert.deepEqual(textOfSegments(cues, [{ startSec: 2, endSec: 4 }]), ['b']);
});
