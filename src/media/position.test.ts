import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Demuxer } from 'node-av/api';
import { makeMedia } from '../../test/support/make-media.ts';
import type { TimeRange } from '../domain/time-range.ts';
import { decode } from './decode.ts';
import type { MediaEvent } from './events.ts';
import { PRE_ROLL_SEC } from './position.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-position-'));
after(() => rmSync(folder, { recursive: true }));

const RATE = 25;
/** x264 encodes a key frame every 250 pictures, with B-frames between them. */
const KEY_FRAME_SEC = 250 / RATE;
const RANGE = { startSec: 16, endSec: 17 };
const WHOLE = { startSec: 0, endSec: Number.POSITIVE_INFINITY };

const SHAPES = {
  'B-frames and an edit list': ['film.mp4', {}],
  'negative composition offsets': ['negative.mp4', { muxing: { movflags: 'negative_cts_offsets' } }],
  'an edit list that delays all tracks': ['late.mp4', { startSec: 3 }],
  'an edit list that leaves out the beginning': ['early.mp4', { startSec: -4 }],
  QuickTime: ['film.mov', {}],
  fragments: ['fragments.mp4', { muxing: { movflags: 'frag_keyframe+empty_moov' } }],
} as const;

for (const [shape, [name, recipe]] of Object.entries(SHAPES)) {
  test(`a seek to the middle of an MP4 ends at the key frame before it: ${shape}`, () => {
    const path = makeMedia(join(folder, name), {
      video: `testsrc2=size=64x48:rate=${RATE}:duration=24`,
      audio: 'aevalsrc=sin(300*t*t):duration=24:sample_rate=48000',
      ...recipe,
    });
    assert.ok(hasReorderedPictures(path));
    const [part, whole] = [eventsOf(path, RANGE), eventsOf(path, WHOLE)];
    assert.equal(picturesIn(part).length, RATE);
    assert.deepEqual(picturesIn(part), picturesIn(whole));
    assert.ok(readFromSec(part) > RANGE.startSec - PRE_ROLL_SEC - KEY_FRAME_SEC, `read from ${readFromSec(part)} s`);
    assert.ok(readFromSec(whole) < 1);
  });
}

function eventsOf(path: string, range: TimeRange): MediaEvent[] {
  return [...decode({ path, range, everyPicture: { width: 16, height: 16, fit: 'stretch' }, sound: true })].map(
    (event) =>
      event.type === 'sound' ? { ...event, sound: { ...event.sound, samples: event.sound.samples.slice() } } : event,
  );
}

/** Pictures that start in the range. */
function picturesIn(events: readonly MediaEvent[]) {
  return events.flatMap((event) =>
    event.type === 'picture' && event.picture.timeSec >= RANGE.startSec && event.picture.timeSec < RANGE.endSec
      ? [event.picture]
      : [],
  );
}

/** Start of the earliest packet that was read, in seconds. */
function readFromSec(events: readonly MediaEvent[]): number {
  return Math.min(...events.map((event) => (event.type === 'content' ? event.startSec : Number.POSITIVE_INFINITY)));
}

function hasReorderedPictures(path: string): boolean {
  using input = Demuxer.openSync(path);
  return input.packetsSync(0).some((packet) => packet !== null && packet.pts !== packet.dts);
}
