import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FF_ENCODER_MJPEG, FF_ENCODER_ROQ } from 'node-av/constants';
import { makeMedia } from '../../test/support/make-media.ts';
import { decode } from './decode.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-decode-'));
after(() => rmSync(folder, { recursive: true }));

test('heartbeats are yielded while the decoder skips from a distant key frame to the range', () => {
  // 192 pictures; x264 encodes only the first as a key frame.
  const path = makeMedia(join(folder, 'one-key-frame.mp4'), { video: 'testsrc=size=320x180:rate=24:duration=8' });
  const range = { startSec: 7, endSec: 8 };
  const events = [...decode({ path, range, everyPicture: { width: 16, height: 16, fit: 'stretch' } })];
  const skipped = events.filter((event) => event.type === 'skipped').map(({ timeSec }) => timeSec);
  assert.equal(skipped.length, 7 * 24);
  assert.ok(skipped.every((timeSec) => timeSec < range.startSec));
  const seen = events.flatMap((event) => (event.type === 'picture' ? [event.picture.timeSec] : []));
  assert.equal(seen.length, 24);
  assert.equal(seen[0], 7);
});

test('samples alone skip pictures, and stay on their grid', () => {
  const path = makeMedia(join(folder, 'film.mp4'), { video: 'testsrc=size=320x180:rate=24:duration=4' });
  const sampled = { width: 16, height: 16, fit: 'stretch', perSecond: 2 } as const;
  const times = [...decode({ path, sampled })].flatMap((event) =>
    event.type === 'picture' ? [event.picture.timeSec] : [],
  );
  assert.deepEqual(
    times.map((timeSec) => Math.floor(timeSec * 2)),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test('a picture that is on the screen when the range begins is part of it', () => {
  const path = makeMedia(join(folder, 'slides.mp4'), { video: 'testsrc=size=320x180:rate=1/10:duration=40' });
  const sampled = { width: 16, height: 16, fit: 'stretch', perSecond: 2 } as const;
  const timesIn = (startSec: number, endSec: number) =>
    [...decode({ path, sampled, range: { startSec, endSec } })].flatMap((event) =>
      event.type === 'picture' ? [event.picture.timeSec] : [],
    );
  assert.deepEqual(timesIn(15, 25), [15, 20]);
  assert.deepEqual(timesIn(12, 18), [12]);
  assert.deepEqual(timesIn(20, 25), [20]);
  assert.deepEqual(timesIn(50, 60), []);
});

test('sound that ends before the pictures of its range is not damaged', () => {
  // The three pictures after the range span six seconds of the file.
  const path = makeMedia(join(folder, 'slow.mp4'), {
    video: 'testsrc=size=320x180:rate=1/2:duration=40',
    audio: 'sine=frequency=440:duration=40',
  });
  const sampled = { width: 16, height: 16, fit: 'stretch', perSecond: 2 } as const;
  const events = [...decode({ path, sampled, sound: true, range: { startSec: 10, endSec: 20 } })];
  assert.deepEqual(
    events.filter(({ type }) => type === 'damage'),
    [],
  );
  const soundSec = events.reduce(
    (sum, event) => sum + (event.type === 'sound' ? event.sound.samples.length / event.sound.sampleRate : 0),
    0,
  );
  assert.ok(Math.abs(soundSec - 10) < 0.001, `${soundSec} s`);
});

test('concealed pictures are damaged, from the first to the next intact key frame', () => {
  const path = makeMedia(join(folder, 'whole.mp4'), { video: 'testsrc=size=320x180:rate=25:duration=24' });
  const everyPicture = { width: 16, height: 16, fit: 'stretch' } as const;
  const damages = (path: string, range?: { startSec: number; endSec: number }) =>
    [...decode({ path, everyPicture, ...(range && { range }) })].filter(({ type }) => type === 'damage');
  assert.deepEqual(damages(path), []);
  // x264 encodes a key frame every 250 pictures: at 0, 10 and 20 s.
  const bytes = readFileSync(path);
  const middle = Math.round((bytes.indexOf('mdat') + bytes.indexOf('moov')) / 2);
  for (let i = 0; i < 400; i++) bytes[middle + i] = (37 * i + 11) % 256;
  const damaged = join(folder, 'damaged.mp4');
  writeFileSync(damaged, bytes);
  const found = damages(damaged).filter((event) => event.type === 'damage' && event.of === 'pictures');
  const from = Math.min(...found.map((event) => (event.type === 'damage' ? event.startSec : Infinity)));
  const to = Math.max(...found.map((event) => (event.type === 'damage' ? event.endSec : 0)));
  assert.ok(from > 10 && from < 20, `${from} s`);
  assert.equal(to, 20);
  assert.deepEqual(damages(damaged, { startSec: 0, endSec: 8 }), []);
  assert.deepEqual(damages(damaged, { startSec: 20.5, endSec: 23 }), []);
});

const SMALL = { width: 16, height: 16, fit: 'stretch' } as const;

/** Number of pictures and of damages in a file. */
function countEvents(path: string): { pictures: number; damages: number } {
  const events = [...decode({ path, everyPicture: SMALL })];
  const count = (type: string) => events.filter((event) => event.type === type).length;
  return { pictures: count('picture'), damages: count('damage') };
}

test('a demuxer that reports an error at the end of an intact file does not make it damaged', () => {
  const jpegs = makeMedia(join(folder, 'camera.mpjpeg'), {
    video: 'testsrc=size=64x64:rate=5:duration=2',
    videoCodec: FF_ENCODER_MJPEG,
    pixelFormat: 'yuvj420p',
    format: 'mpjpeg',
  });
  assert.deepEqual(countEvents(jpegs), { pictures: 10, damages: 0 });

  const roq = makeMedia(join(folder, 'game.roq'), {
    video: 'testsrc=size=64x64:rate=30:duration=0.5',
    videoCodec: FF_ENCODER_ROQ,
    pixelFormat: 'yuvj444p',
  });
  appendFileSync(roq, Buffer.alloc(8)); // an empty chunk of an unknown type
  assert.deepEqual(countEvents(roq), { pictures: 15, damages: 0 });
});

test('a file that a demuxer cannot read to its end is damaged', () => {
  const path = makeMedia(join(folder, 'broken.roq'), {
    video: 'testsrc=size=64x64:rate=30:duration=0.5',
    videoCodec: FF_ENCODER_ROQ,
    pixelFormat: 'yuvj444p',
  });
  appendFileSync(path, Buffer.alloc(100));
  assert.deepEqual(countEvents(path), { pictures: 15, damages: 1 });
});
