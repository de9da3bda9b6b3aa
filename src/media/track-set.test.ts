import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Packet } from 'node-av/lib';
import { makeMedia } from '../../test/support/make-media.ts';
import { openContainer } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import { readOnly } from './position.ts';
import { TrackSet } from './track-set.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-tracks-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'film.mkv');
before(() => {
  makeMedia(path, {
    video: 'testsrc=size=64x64:rate=4:duration=20',
    audio: 'sine=frequency=440:duration=20',
    subtitles: [1, 4, 15].map((startSec) => ({ startSec, endSec: startSec + 1, text: `at ${startSec}` })),
  });
});

const every = { width: 16, height: 16, fit: 'stretch' } as const;
const sampled = { ...every, perSecond: 1 };
const RANGE = { startSec: 3, endSec: 8 };

/** Kinds of tracks whose packets a request reads, and the one that has to be decodable. */
function tracksOf(request: Omit<DecodeRequest, 'path'>) {
  using container = openContainer(path);
  using tracks = new TrackSet(container, { path, ...request }, RANGE);
  const nameOf = (index: number | undefined) =>
    (['video', 'audio', 'subtitles'] as const).find((kind) => container[kind]?.index === index);
  const read = tracks.streams.filter((stream) => stream !== undefined).map(({ index }) => nameOf(index));
  return { read, anchor: tracks.anchor && nameOf(tracks.anchor.index) };
}

/** Reads the film from its start until the tracks are done, and returns the time of the last packet. */
function readAll(request: Omit<DecodeRequest, 'path'>): { events: MediaEvent[]; lastSec: number } {
  using container = openContainer(path);
  using tracks = new TrackSet(container, { path, ...request }, RANGE);
  readOnly(container, tracks.streams);
  using packet = new Packet();
  packet.alloc();
  const events: MediaEvent[] = [];
  let lastSec = 0;
  while (!tracks.isDone && container.context.readFrameSync(packet) >= 0) {
    lastSec = Number(packet.pts) / 1000; // Matroska counts in milliseconds
    events.push(...tracks.read(packet));
    packet.unref();
  }
  events.push(...tracks.end());
  return { events, lastSec };
}

test('a request reads only the tracks that it needs', () => {
  assert.deepEqual(tracksOf({ everyPicture: every }), { read: ['video'], anchor: 'video' });
  assert.deepEqual(tracksOf({ sound: true }), { read: ['audio'], anchor: 'audio' });
  assert.deepEqual(tracksOf({ everyPicture: every, sound: true, subtitles: true }), {
    read: ['video', 'audio', 'subtitles'],
    anchor: 'video',
  });
  // The sound bounds a last picture that stays.
  assert.deepEqual(tracksOf({ sampled }), { read: ['video', 'audio'], anchor: 'video' });
  // The pictures show the position between subtitles.
  assert.deepEqual(tracksOf({ subtitles: true }), { read: ['subtitles', 'video'], anchor: undefined });
});

test('sound that only bounds the pictures is not decoded', () => {
  const { events } = readAll({ sampled });
  assert.ok(events.some((event) => event.type === 'content' && event.of === 'sound'));
  assert.equal(events.filter(({ type }) => type === 'sound').length, 0);
  const times = events.flatMap((event) => (event.type === 'picture' ? [event.picture.timeSec] : []));
  assert.deepEqual(times, [3, 4, 5, 6, 7]);
});

test('subtitles alone are read to the end of the range, not of the file', () => {
  const { events, lastSec } = readAll({ subtitles: true });
  const starts = events.map((event) => event.type === 'subtitle' && event.subtitle.startSec);
  assert.deepEqual(starts, [4]);
  assert.ok(lastSec > 8 && lastSec < 11, `read up to ${lastSec} s`);
});

test('pictures and sound end with the range', () => {
  const { events, lastSec } = readAll({ everyPicture: every, sound: true });
  assert.ok(lastSec > 8 && lastSec < 11, `read up to ${lastSec} s`);
  const soundSec = events.reduce(
    (sum, event) => sum + (event.type === 'sound' ? event.sound.samples.length / event.sound.sampleRate : 0),
    0,
  );
  assert.ok(Math.abs(soundSec - 5) < 0.03, `${soundSec} s`);
});
