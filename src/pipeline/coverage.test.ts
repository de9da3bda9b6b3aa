import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaEvent } from '../media/events.ts';
import { Coverage } from './coverage.ts';

const range = { startSec: 0, endSec: 60 };
const job = {
  path: '',
  range,
  segmentation: { strategy: 'fixed', durationSec: 2 },
  options: ['visual', 'audio'],
} as const;

const content = (of: 'pictures' | 'sound', startSec: number, endSec: number): MediaEvent => ({
  type: 'content',
  of,
  startSec,
  endSec,
});
const picture = (timeSec: number): MediaEvent => ({
  type: 'picture',
  view: 'sampled',
  picture: { timeSec, width: 1, height: 1, data: new Uint8Array(3) },
});
const sound = (startSec: number, sec: number): MediaEvent => ({
  type: 'sound',
  sound: { startSec, sampleRate: 10, samples: new Float32Array(10 * sec) },
});

function covered(...events: MediaEvent[]): Coverage {
  const coverage = new Coverage(job, { sound: true });
  for (const event of events) coverage.record(event);
  return coverage;
}

test('a picture lasts while there is sound, but not through a gap of ten seconds in both tracks', () => {
  const coverage = covered(
    content('pictures', 0, 0.04),
    picture(0),
    content('sound', 0, 20),
    sound(0, 20),
    content('sound', 29, 30),
    sound(29, 1),
    content('sound', 40, 50),
    sound(40, 10),
  );
  const shows = (startSec: number) => coverage.hasPictures({ startSec, endSec: startSec + 2 });
  assert.deepEqual(
    [shows(18), shows(22), shows(28), shows(31), shows(37), shows(39), shows(50)],
    [true, true, true, false, false, true, false],
  );
  assert.equal(coverage.hasSound({ startSec: 31, endSec: 33 }), false);
  assert.equal(coverage.hasSound({ startSec: 23, endSec: 25 }), true, 'a short pause is part of the sound');
  assert.deepEqual(coverage.report().missingSec, { visual: 20, audio: 29 });
});

test('there is no picture before the first one', () => {
  const coverage = covered(content('sound', 0, 60), sound(0, 60), content('pictures', 5, 6), picture(5));
  assert.deepEqual(coverage.report().missingSec, { visual: 5, audio: 0 });
});

test('lost pictures are missing, concealed ones are not, and both are damaged', () => {
  const damage = (isLost: boolean, startSec: number, endSec: number): MediaEvent => ({
    type: 'damage',
    of: 'pictures',
    isLost,
    startSec,
    endSec,
  });
  const whole = [content('pictures', 0, 60), content('sound', 0, 60), picture(0), sound(0, 60)];
  assert.deepEqual(covered(...whole, damage(true, 10, 10.5), damage(false, 10, 14), damage(false, 30, 31)).report(), {
    damages: 1,
    damaged: {
      visual: [
        { startSec: 10, endSec: 14 },
        { startSec: 30, endSec: 31 },
      ],
      audio: [],
    },
    missingSec: { visual: 0.5, audio: 0 },
  });
});
