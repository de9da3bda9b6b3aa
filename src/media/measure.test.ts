import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeMedia } from '../../test/support/make-media.ts';
import { probe } from './probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-measure-'));
after(() => rmSync(folder, { recursive: true }));

const VIDEO = 'testsrc=size=320x180:rate=25:duration=8';
const AUDIO = 'sine=frequency=440:duration=8';

/** Changes the duration in a Matroska file's header: element 0x4489, eight bytes of a float. */
function declare(path: string, durationMs: number): string {
  const bytes = readFileSync(path);
  bytes.writeDoubleBE(durationMs, bytes.indexOf(Buffer.from([0x44, 0x89, 0x88])) + 3);
  const changed = path.replace('.mkv', `-${durationMs}.mkv`);
  writeFileSync(changed, bytes);
  return changed;
}

const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) < 0.1, `${found} s is not ${wanted} s`);

test('a header without a length, or with too short a one, gives way to what the packets say', () => {
  const path = makeMedia(join(folder, 'film.mkv'), { video: VIDEO, audio: AUDIO });
  near(probe(path).durationSec, 8);
  near(probe(declare(path, 0)).durationSec, 8);
  near(probe(declare(path, 3000)).durationSec, 8);
});

test('a header that says too much is believed, because the file may be cut off', () => {
  const path = makeMedia(join(folder, 'long.mkv'), { video: VIDEO });
  near(probe(declare(path, 20_000)).durationSec, 20);
});

test('raw streams are measured', () => {
  near(probe(makeMedia(join(folder, 'sound.aac'), { audio: AUDIO })).durationSec, 8);
  near(probe(makeMedia(join(folder, 'picture.h264'), { video: VIDEO })).durationSec, 8);
});
