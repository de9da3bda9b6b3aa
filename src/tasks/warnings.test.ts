import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReelvecError } from '../errors.ts';
import { type ChunkReport, resultWarnings } from './warnings.ts';

const whole: ChunkReport = {
  segments: 2,
  lengthSec: 12,
  rows: { visual: 2, audio: 2 },
  damages: 0,
  missingSec: { visual: 0.04, audio: 0.02 },
};

test('of media that is all there, nothing is said', () => {
  assert.deepEqual(resultWarnings([whole, whole], ['visual', 'audio']), []);
});

test('a file that is cut off says how much is missing, over all chunks', () => {
  const cut = { ...whole, rows: { visual: 1, audio: 1 }, missingSec: { visual: 7.5, audio: 7.25 } };
  assert.deepEqual(resultWarnings([whole, cut], ['visual', 'audio']), [
    '1 of 4 segments have nothing to embed as visual.',
    '1 of 4 segments have nothing to embed as audio.',
    'Of 24 s, 7.54 s of the pictures and 7.27 s of the sound are not there: ' +
      'the file is cut off, or its tracks are shorter than it says.',
  ]);
});

test('a track that is shorter than the others is told from a file that is cut off', () => {
  const short = { ...whole, missingSec: { visual: 0, audio: 6.98 } };
  assert.deepEqual(resultWarnings([short], ['visual', 'audio']), [
    'Of 12 s, 6.98 s of the sound are not there: a track has a gap, or is shorter than the other.',
  ]);
});

test('damage says how often and for how long', () => {
  const damaged = { ...whole, damages: 3, missingSec: { visual: 0, audio: 0.26 } };
  assert.deepEqual(resultWarnings([damaged], ['visual', 'audio']), [
    'The media is damaged: 3 places could not be decoded and were left out.',
    'Of 12 s, 0.26 s of the sound could not be read.',
  ]);
});

test('nothing at all is a failure', () => {
  const nothing = { ...whole, rows: {}, damages: 1 };
  assert.throws(
    () => resultWarnings([nothing], ['visual']),
    (error) => isReelvecError(error) && error.code === 'video_file_broken' && /damaged/.test(error.message),
  );
});

test('another range is suggested only to a request that had one', () => {
  const nothing = { ...whole, rows: {} };
  assert.throws(
    () => resultWarnings([nothing], ['visual']),
    /^\w+: Nothing in the media .* Its tracks are empty: check/,
  );
  assert.throws(
    () => resultWarnings([nothing], ['visual'], { startSec: 3 }),
    /requested range .* Ask for another range\.$/,
  );
});

test('damage names the time that it affects, across chunks', () => {
  const first = { ...whole, damaged: { visual: [{ startSec: 1.4, endSec: 12 }], audio: [] } };
  const second = { ...whole, damaged: { visual: [{ startSec: 12, endSec: 13.25 }], audio: [] } };
  assert.deepEqual(resultWarnings([first, second], ['visual', 'audio']), [
    'The media is damaged: this affects the pictures at 1.4–13.25 s.',
  ]);
  const many = Array.from({ length: 7 }, (_, i) => ({ startSec: i, endSec: i + 0.5 }));
  assert.deepEqual(
    resultWarnings([{ ...whole, damages: 9, damaged: { audio: many } }], ['visual', 'audio']).slice(0, 2),
    [
      'The media is damaged: 9 places could not be decoded and were left out.',
      'Damage affects the sound at 0–0.5 s, 1–1.5 s, 2–2.5 s, 3–3.5 s, 4–4.5 s and 2 more.',
    ],
  );
});

test('a file of which almost nothing could be read is a failure, and a short track is none', () => {
  const remains = { ...whole, rows: { visual: 1, audio: 1 }, missingSec: { visual: 11.8, audio: 11.8 } };
  assert.throws(
    () => resultWarnings([remains], ['visual', 'audio']),
    (error) => isReelvecError(error) && error.code === 'video_file_broken' && /Only 0.2 s of 12 s/.test(error.message),
  );
  assert.ok(resultWarnings([{ ...remains, missingSec: { visual: 11.8, audio: 0 } }], ['visual', 'audio']).length > 0);
  assert.ok(resultWarnings([{ ...remains, missingSec: { audio: 11.8 } }], ['audio']).length > 0);
});
