import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AudibleSound } from './audible-sound.ts';

const RATE = 16_000;
/** Window of tones and silences in turn, in seconds; the first is silence. */
const window = (...lengths: number[]) =>
  Float32Array.from(
    lengths.flatMap((sec, i) => Array.from({ length: sec * RATE }, (_, at) => (i % 2 ? Math.sin(at / 9) / 4 : 0))),
  );
const lengthSec = (sound: AudibleSound | undefined) => sound!.samples.length / RATE;
const near = (found: number | undefined, expected: number) =>
  assert.ok(found !== undefined && Math.abs(found - expected) <= 0.021, `${found}, not ${expected}`);

test('sound with short pauses stays as it is', () => {
  const samples = window(0.4, 3, 0.9, 2, 0.3);
  assert.deepEqual(AudibleSound.of(100, samples, RATE)!.samples, samples);
});

test('silence is cut to half a second beside sound', () => {
  near(lengthSec(AudibleSound.of(0, window(4, 2, 6, 3, 8), RATE)), 0.5 + 2 + 1 + 3 + 0.5);
});

test('ranges of the sound are mapped to the file', () => {
  const sound = AudibleSound.of(100, window(4, 2, 6, 3, 8), RATE)!;
  const range = (startSec: number, endSec: number) => sound.fileRange({ startSec, endSec });
  near(range(0.5, 1)?.startSec, 104);
  near(range(2, 2.5)?.endSec, 106);
  near(range(3.5, 4)?.startSec, 112);
  near(range(6, 6.5)?.endSec, 115);
});

test('a range across a removed silence stays in the stretch of its middle', () => {
  const sound = AudibleSound.of(0, window(4, 2, 6, 3, 8), RATE)!;
  const before = sound.fileRange({ startSec: 2, endSec: 3.5 })!;
  near(before.startSec, 5.5);
  near(before.endSec, 6.5);
  const after = sound.fileRange({ startSec: 2.5, endSec: 4.5 })!;
  near(after.startSec, 11.5);
  near(after.endSec, 13);
});

test('a range beyond the end of the sound has no time in the file', () => {
  const sound = AudibleSound.of(0, window(4, 2, 6, 3, 8), RATE)!;
  assert.equal(sound.fileRange({ startSec: 7, endSec: 8 }), undefined);
});

test('a window without sound is left out', () => {
  assert.equal(AudibleSound.of(0, window(10), RATE), undefined);
  assert.equal(AudibleSound.of(0, window(5, 0.05, 5), RATE), undefined);
});
