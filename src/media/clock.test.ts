import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeMedia } from '../../test/support/make-media.ts';
import type { TimeRange } from '../domain/time-range.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-clock-'));
after(() => rmSync(folder, { recursive: true }));

function part(name: string, look: string): Buffer {
  const video = `${look}=size=320x180:rate=25:duration=12`;
  return readFileSync(makeMedia(join(folder, name), { video, audio: 'sine=frequency=440:duration=12' }));
}

function read(path: string, range: TimeRange) {
  const { clock } = probe(path);
  const everyPicture = { width: 16, height: 9, fit: 'stretch' } as const;
  const pictures: { timeSec: number; first: number[] }[] = [];
  let soundSec = 0;
  for (const event of decode({ path, range, everyPicture, sound: true, ...(clock && { clock }) })) {
    if (event.type === 'sound') soundSec += event.sound.samples.length / event.sound.sampleRate;
    if (event.type !== 'picture') continue;
    pictures.push({ timeSec: event.picture.timeSec, first: [...event.picture.data.subarray(0, 3)] });
  }
  return { pictures, soundSec };
}

test('recordings concatenated byte by byte are placed one after the other', () => {
  const parts = [part('a.ts', 'smptebars'), part('b.ts', 'testsrc')];
  const path = join(folder, 'joined.ts');
  writeFileSync(path, Buffer.concat([...parts, ...parts]));
  const { durationSec } = probe(path);
  assert.ok(Math.abs(durationSec - 48) < 1, `${durationSec} s`);
  const { pictures, soundSec } = read(path, { startSec: 0, endSec: durationSec });
  assert.equal(pictures.length, 4 * 12 * 25);
  assert.ok(pictures.every(({ timeSec }, i) => i === 0 || timeSec > pictures[i - 1]!.timeSec));
  assert.ok(Math.abs(soundSec - 48) < 0.5, `${soundSec} s of sound`);
  // Reading from the middle gives the same output, as chunks need.
  const range = { startSec: 30, endSec: 40 };
  assert.deepEqual(
    read(path, range).pictures,
    pictures.filter(({ timeSec }) => timeSec >= range.startSec && timeSec < range.endSec),
  );
});

test('sound that changes its sample rate mid-stream keeps its times', () => {
  const parts = [44_100, 48_000].map((rate) => {
    const audio = `sine=frequency=440:sample_rate=${rate}:duration=8`;
    return readFileSync(makeMedia(join(folder, `${rate}.ts`), { audio }));
  });
  const path = join(folder, 'rates.ts');
  writeFileSync(path, Buffer.concat(parts));
  const { durationSec, clock } = probe(path);
  const sounds = [...decode({ path, sound: true, ...(clock && { clock }) })].flatMap((event) =>
    event.type === 'sound' ? [event.sound] : [],
  );
  assert.deepEqual([...new Set(sounds.map(({ sampleRate }) => sampleRate))], [44_100, 48_000]);
  const ends = sounds.map(({ startSec, samples, sampleRate }) => startSec + samples.length / sampleRate);
  sounds.slice(1).forEach(({ startSec }, i) => {
    assert.ok(Math.abs(startSec - ends[i]!) < 0.05);
  });
  assert.ok(Math.abs(ends.at(-1)! - durationSec) < 0.1);
});

test('a file without timestamp restarts needs no clock', () => {
  part('one.ts', 'testsrc');
  assert.equal(probe(join(folder, 'one.ts')).clock, undefined);
});
