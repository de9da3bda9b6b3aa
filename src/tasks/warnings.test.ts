import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReelvecError } from '../errors.ts';
import { type ChunkReport, reportOf, resultWarnings } from './warnings.ts';

const whole: ChunkReport = {
  segments: 2,
  lengthSec: 12,
  rows: { visual: 2, audio: 2 },
  damages: 0,
  missingSec: { visual: 0.04, audio: 0.02 },
};

test('complete media has no warnings', () => {
  assert.deepEqual(resultWarnings([whole, whole], ['visual', 'audio']), []);
});

test('a truncated file has a warning with the missing time over all chunks', () => {
  const cut = { ...whole, rows: { visual: 1, audio: 1 }, missingSec: { visual: 7.5, audio: 7.25 } };
  assert.deepEqual(resultWarnings([whole, cut], ['visual', 'audio']), [
    '1 of 4 segments have nothing to embed as visual.',
    '1 of 4 segments have nothing to embed as audio.',
    'Of 24 s, 7.54 s of the pictures and 7.27 s of the sound are not there: ' +
      'the file is cut off, or its tracks are shorter than it says.',
  ]);
});

test('a short track has another warning than a truncated file', () => {
  const short = { ...whole, missingSec: { visual: 0, audio: 6.98 } };
  assert.deepEqual(resultWarnings([short], ['visual', 'audio']), [
    'Of 12 s, 6.98 s of the sound are not there: a track has a gap, or is shorter than the other.',
  ]);
});

test('the warning of damage has its count and duration', () => {
  const damaged = { ...whole, damages: 3, missingSec: { visual: 0, audio: 0.26 } };
  assert.deepEqual(resultWarnings([damaged], ['visual', 'audio']), [
    'The media is damaged: 3 places could not be decoded and were left out.',
    'Of 12 s, 0.26 s of the sound could not be read.',
  ]);
});

test('a result without content is an error', () => {
  const nothing = { ...whole, rows: {}, damages: 1 };
  assert.throws(
    () => resultWarnings([nothing], ['visual']),
    (error) => isReelvecError(error) && error.code === 'video_file_broken' && /damaged/.test(error.message),
  );
});

test('another range is suggested only for a request with a range', () => {
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

test('the warning of damage has the affected times, merged across chunks', () => {
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

test('almost unreadable media is an error, and a short track is not', () => {
  const remains = { ...whole, rows: { visual: 1, audio: 1 }, missingSec: { visual: 11.8, audio: 11.8 } };
  assert.throws(
    () => resultWarnings([remains], ['visual', 'audio']),
    (error) => isReelvecError(error) && error.code === 'video_file_broken' && /Only 0.2 s of 12 s/.test(error.message),
  );
  assert.ok(resultWarnings([{ ...remains, missingSec: { visual: 11.8, audio: 0 } }], ['visual', 'audio']).length > 0);
  assert.ok(resultWarnings([{ ...remains, missingSec: { audio: 11.8 } }], ['audio']).length > 0);
});

test('advice for a result without rows depends on the range and on damage', () => {
  const nothing = { ...whole, rows: {} };
  const message = (report: ChunkReport, asked?: { startSec: number; endSec?: number }) => {
    try {
      resultWarnings([report], ['visual', 'audio'], asked);
    } catch (error) {
      assert.ok(isReelvecError(error));
      return error.message;
    }
    return assert.fail('was accepted');
  };
  assert.match(
    message({ ...nothing, damages: 1 }),
    /^Nothing in the media .* visual, audio embeddings\. Its tracks are damaged: /,
  );
  assert.match(message({ ...nothing, damages: 1 }, { startSec: 3 }), /requested range .* The media is damaged: check/);
  assert.match(message(nothing, { startSec: 0, endSec: 9 }), /requested range .* Ask for another range\.$/);
});

test('stretches of damage are joined over at most 0.05 s, such as at the edge of chunks', () => {
  const damaged = (...visual: [number, number][]) => ({
    ...whole,
    damaged: { visual: visual.map(([startSec, endSec]) => ({ startSec, endSec })) },
  });
  const stretches = (...reports: ChunkReport[]) => /at (.*)\.$/.exec(resultWarnings(reports, ['visual'])[0]!)?.[1];
  assert.equal(stretches(damaged([1, 2]), damaged([2.04, 3])), '1–3 s');
  assert.equal(stretches(damaged([1, 2], [2.08, 3])), '1–2 s, 2.08–3 s');
  assert.equal(stretches(damaged([1, 5], [2, 3])), '1–5 s');
  const five = [1, 2, 3, 4, 5].map((sec): [number, number] => [sec, sec + 0.5]);
  assert.equal(stretches(damaged(...five)), '1–1.5 s, 2–2.5 s, 3–3.5 s, 4–4.5 s, 5–5.5 s');
});

test('the share that was read is that of the best track, and must exceed two per cent', () => {
  const remains = (visual: number, audio: number) => ({ ...whole, rows: { visual: 1 }, missingSec: { visual, audio } });
  assert.throws(() => resultWarnings([remains(11.9, 11.8)], ['visual']), /Only 0\.2 s of 12 s/);
  assert.ok(resultWarnings([remains(12, 12 - 0.24)], ['visual']));
  const one = { ...whole, rows: { visual: 1 }, missingSec: { visual: 11.9 } };
  assert.ok(resultWarnings([one], ['visual']), 'a single track may be short');
  assert.throws(() => resultWarnings([{ ...one, damages: 1 }], ['visual']), {
    details: { read_sec: 12 - 11.9, length_sec: 12 },
  });
});

test('missing content is reported from 0.5 s on, or with damage from 0.01 s on', () => {
  const missing = (visual: number, damages = 0) =>
    resultWarnings([{ ...whole, damages, missingSec: { visual } }], ['visual']);
  assert.deepEqual(missing(0.49), []);
  assert.equal(missing(0.5).length, 1);
  assert.equal(missing(0.009, 1).length, 1);
  assert.deepEqual(missing(0.01, 1), [
    'The media is damaged: 1 place could not be decoded and was left out.',
    'Of 12 s, 0.01 s of the pictures could not be read.',
  ]);
});

test('a chunk report has the row count of each option and the length of the chunk', () => {
  const row = { segment: 0, startSec: 0, endSec: 6, scope: 'clip', embedding: new Float32Array() } as const;
  const chunk = {
    segments: [
      { startSec: 6, endSec: 12 },
      { startSec: 12, endSec: 15 },
    ],
    vectors: {},
    damages: 2,
    damaged: {},
    missingSec: { visual: 1 },
  };
  const rows = (['visual', 'visual', 'audio'] as const).map((option) => ({ ...row, option }));
  assert.deepEqual(reportOf(chunk, rows), {
    segments: 2,
    lengthSec: 9,
    rows: { visual: 2, audio: 1 },
    damages: 2,
    damaged: {},
    missingSec: { visual: 1 },
  });
  assert.equal(reportOf({ ...chunk, segments: [] }, []).lengthSec, 0);
});
