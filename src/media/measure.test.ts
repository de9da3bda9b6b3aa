import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { makeMedia } from '../../test/support/make-media.ts';
import { probe } from './probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-measure-'));
after(() => rmSync(folder, { recursive: true }));

const VIDEO = 'testsrc=size=320x180:rate=25:duration=8';
const AUDIO = 'sine=frequency=440:duration=8';

/** Changes the duration in a Matroska header: element 0x4489, an eight-byte float. */
function declare(path: string, durationMs: number): string {
  const bytes = readFileSync(path);
  bytes.writeDoubleBE(durationMs, bytes.indexOf(Buffer.from([0x44, 0x89, 0x88])) + 3);
  const changed = path.replace('.mkv', `-${durationMs}.mkv`);
  writeFileSync(changed, bytes);
  return changed;
}

const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) < 0.1, `${found} s is not ${wanted} s`);

test('packets override a header without a duration or with one that is too short', () => {
  const path = makeMedia(join(folder, 'film.mkv'), { video: VIDEO, audio: AUDIO });
  near(probe(path).durationSec, 8);
  near(probe(declare(path, 0)).durationSec, 8);
  near(probe(declare(path, 3000)).durationSec, 8);
});

test('a header with too long a duration counts only for a truncated file', () => {
  const path = makeMedia(join(folder, 'long.mkv'), { video: VIDEO, audio: AUDIO });
  const lying = declare(path, 20_000);
  near(probe(lying).durationSec, 8);
  const cut = join(folder, 'cut.mkv');
  writeFileSync(cut, readFileSync(lying).subarray(0, 60_000));
  near(probe(cut).durationSec, 20);
});

test('packets override a wrong FLAC total, unless the last of them is truncated', () => {
  const path = makeMedia(join(folder, 'sound.flac'), { audio: AUDIO, audioCodec: FF_ENCODER_FLAC });
  const bytes = readFileSync(path);
  near(probe(path).durationSec, 8);
  // The total number of samples is in the lower half of byte 21 and the next four bytes.
  bytes.writeUInt32BE(44_100 * 3600, 22);
  writeFileSync(path, bytes);
  near(probe(path).durationSec, 8);
  writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  near(probe(path).durationSec, 3600);
});

test('files whose timestamps do not start at 0 last as long as their content', () => {
  for (const ending of ['mkv', 'flv', 'nut', 'asf', 'ts']) {
    const path = makeMedia(join(folder, `late.${ending}`), { video: VIDEO, audio: AUDIO, startSec: 5000 });
    near(probe(path).durationSec, 8);
  }
});

test('a subtitle far after picture and sound does not extend the duration', () => {
  const subtitles = [
    { startSec: 2, endSec: 4, text: 'now' },
    { startSec: 36_000, endSec: 36_002, text: 'much later' },
  ];
  near(probe(makeMedia(join(folder, 'text.mkv'), { video: VIDEO, audio: AUDIO, subtitles })).durationSec, 8);
});

test('raw streams are measured', () => {
  near(probe(makeMedia(join(folder, 'sound.aac'), { audio: AUDIO })).durationSec, 8);
  near(probe(makeMedia(join(folder, 'picture.h264'), { video: VIDEO })).durationSec, 8);
});
