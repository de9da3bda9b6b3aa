import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { TimeRange } from '../domain/time-range.ts';
import { soundRangeFor } from '../transcribe/windows.ts';
import { SpeechWindower } from './speech-windower.ts';

const RATE = 8000;

/** Bursts of tone with irregular pauses. */
function recording(sec: number): Float32Array {
  return Float32Array.from({ length: sec * RATE }, (_, i) => {
    const at = i / RATE;
    return Math.sin(at * 2.1 + Math.sin(at * 0.3)) > -0.8 ? 0.3 * Math.sin(at * 2000) : 0.002 * Math.sin(at * 911);
  });
}

/** Windows that the model gets for a range of a recording, decoded in pieces of 0.1 s. */
async function windowsOf(
  samples: Float32Array,
  range: TimeRange,
): Promise<{ startSec: number; samples: Float32Array }[]> {
  const heard: { startSec: number; samples: Float32Array }[] = [];
  let closed = 0;
  const model = {
    transcribe: async (startSec: number, window: Float32Array) => {
      heard.push({ startSec, samples: window });
    },
    words: async () => [],
    [Symbol.dispose]: () => {
      closed++;
    },
  };
  {
    await using windower = new SpeechWindower({ range, model, sampleRate: RATE });
    const listen = soundRangeFor(range);
    const end = Math.min(samples.length, listen.endSec * RATE);
    for (let at = listen.startSec * RATE; at < end; at += RATE / 10) {
      const piece = samples.subarray(at, Math.min(end, at + RATE / 10));
      await windower.push({ startSec: at / RATE, sampleRate: RATE, samples: piece });
    }
    await windower.words();
  }
  assert.equal(closed, 1);
  return heard;
}

const samples = recording(200);
/** Summary of windows, small enough for a readable assertion diff. */
const digests = (windows: readonly { startSec: number; samples: Float32Array }[]) =>
  windows.map(({ startSec, samples: { length, buffer } }) => ({
    startSec,
    length,
    sha256: createHash('sha256').update(new Uint8Array(buffer)).digest('hex'),
  }));
const endOf = (window: { startSec: number; samples: Float32Array }) => window.startSec + window.samples.length / RATE;

test('windows follow each other without a gap, none longer than 30 s, from the start to the end', async () => {
  const windows = await windowsOf(samples, { startSec: 0, endSec: 200 });
  assert.equal(windows[0]!.startSec, 0);
  assert.ok(Math.abs(endOf(windows.at(-1)!) - 200) < 1e-6);
  for (const [i, window] of windows.entries()) {
    assert.ok(window.samples.length <= 30 * RATE);
    if (i > 0) assert.ok(Math.abs(window.startSec - endOf(windows[i - 1]!)) < 1e-6);
  }
});

test('a range has the windows of the whole file, sample by sample, wherever it begins and ends', async () => {
  const whole = await windowsOf(samples, { startSec: 0, endSec: 200 });
  for (const range of [
    { startSec: 0, endSec: 20 },
    { startSec: 0, endSec: 90 },
    { startSec: 23, endSec: 51.5 },
    { startSec: 90, endSec: 200 },
    { startSec: 50, endSec: 52.1 },
    { startSec: 77.9, endSec: 78.1 },
    { startSec: 180, endSec: 200 },
    { startSec: 199, endSec: 200 },
  ]) {
    const reaching = whole.filter((w) => w.startSec < range.endSec && endOf(w) > range.startSec);
    assert.deepEqual(digests(await windowsOf(samples, range)), digests(reaching), JSON.stringify(range));
  }
});

test('cuts are in pauses if there are any', async () => {
  for (const { startSec } of (await windowsOf(samples, { startSec: 0, endSec: 200 })).slice(1)) {
    const at = Math.round(startSec * RATE);
    const loudest = samples
      .subarray(at - RATE / 20, at + RATE / 20)
      .reduce((most, s) => Math.max(most, Math.abs(s)), 0);
    assert.ok(loudest < 0.01, `${loudest} at ${startSec} s`);
  }
});

test('sound that begins late, has gaps and ends early keeps its times', async () => {
  const model = {
    windows: [] as number[],
    transcribe: async (startSec: number) => {
      model.windows.push(startSec);
    },
    words: async () => [],
    [Symbol.dispose]: () => {},
  };
  await using windower = new SpeechWindower({ range: { startSec: 0, endSec: 300 }, model, sampleRate: RATE });
  await windower.push({ startSec: 100, sampleRate: RATE, samples: samples.slice(0, RATE) });
  await windower.push({ startSec: 160, sampleRate: RATE, samples: samples.slice(0, RATE) });
  await windower.words();
  assert.equal(model.windows.length, 7);
  assert.ok(model.windows.at(-1)! < 161);
});

test('without sound there is no window, and an error of the model rejects', async () => {
  assert.deepEqual(await windowsOf(new Float32Array(0), { startSec: 0, endSec: 60 }), []);
  const broken = { transcribe: async () => assert.fail('broken'), words: async () => [], [Symbol.dispose]: () => {} };
  await using windower = new SpeechWindower({ range: { startSec: 0, endSec: 60 }, model: broken, sampleRate: RATE });
  await assert.rejects(async () => {
    for (let sec = 0; sec < 60; sec++) {
      await windower.push({ startSec: sec, sampleRate: RATE, samples: samples.subarray(sec * RATE, (sec + 1) * RATE) });
    }
  }, /broken/);
});
