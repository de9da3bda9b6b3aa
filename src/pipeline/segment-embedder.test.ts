import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AudioClip, AudioEncoder, VisualEncoder } from '../encode/encoder.ts';
import { ClipAssembler } from './clip-assembler.ts';
import { SegmentEmbedder } from './segment-embedder.ts';

const RATE = 1000;
const segment = (i: number) => ({ startSec: i, endSec: i + 1 });

/** Encoder whose vectors hold the first sample of each clip. Records the size of its batches. */
function firstSamples(): AudioEncoder & { batches: number[] } {
  const batches: number[] = [];
  return {
    batches,
    space: 'test',
    sampleRate: RATE,
    async encode(clips: readonly AudioClip[]) {
      batches.push(clips.length);
      return clips.map(({ samples }) => samples.slice(0, 1));
    },
    async close() {},
  };
}

/** Assembler of a chunk whose sound is the number of its second, from 0; `silent` seconds have none. */
function clipsOf(seconds: number, silent: readonly number[] = []): ClipAssembler {
  const coverage = {
    hasPictures: () => false,
    hasSound: (range: { startSec: number }) => !silent.includes(range.startSec),
  };
  const clips = new ClipAssembler({ coverage, picturesPerSecond: 1, sound: { sampleRate: RATE } });
  const samples = Float32Array.from({ length: seconds * RATE }, (_, i) => Math.floor(i / RATE) / 100);
  clips.pushSound({ startSec: 0, sampleRate: RATE, samples });
  return clips;
}

const seconds = (vectors: readonly (Float32Array | undefined)[] | undefined) =>
  vectors?.map((vector) => vector && Math.round(vector[0]! * 100));

test('a segment is embedded once its content is complete', async () => {
  const embedder = new SegmentEmbedder(clipsOf(4), { audio: firstSamples() });
  embedder.add([0, 1, 2, 3].map(segment));
  await embedder.embedUpTo(1.9);
  assert.deepEqual(embedder.segments, [segment(0)]);
  await embedder.embedUpTo(3);
  assert.deepEqual(embedder.segments, [0, 1, 2].map(segment));
  const { audio, visual } = await embedder.end();
  assert.deepEqual(seconds(audio), [0, 1, 2, 3]);
  assert.equal(visual, undefined);
});

test('clips reach the encoder in batches, and a segment without content keeps its index', async () => {
  const encoder = firstSamples();
  const embedder = new SegmentEmbedder(clipsOf(20, [3, 19]), { audio: encoder });
  embedder.add(Array.from({ length: 20 }, (_, i) => segment(i)));
  const { audio } = await embedder.end();
  assert.deepEqual(
    seconds(audio),
    Array.from({ length: 20 }, (_, i) => (i === 3 || i === 19 ? undefined : i)),
  );
  assert.deepEqual(encoder.batches, [7, 8, 3]);
});

test('large pictures reach the encoder before the batch is full, with the same result', async () => {
  const coverage = { hasPictures: () => true, hasSound: () => false };
  const clips = new ClipAssembler({ coverage, picturesPerSecond: 1, sound: { sampleRate: 0 } });
  const data = new Uint8Array(30 * 1024 ** 2);
  for (let timeSec = 0; timeSec < 8; timeSec++) clips.pushPicture({ timeSec, width: 1, height: 1, data });
  const batches: number[] = [];
  const visual: VisualEncoder = {
    space: 'test',
    pictures: { width: 1, height: 1, fit: 'stretch', perSecond: 1 },
    async encode(given) {
      batches.push(given.length);
      return given.map(({ startSec }) => Float32Array.of(startSec));
    },
    async close() {},
  };
  const embedder = new SegmentEmbedder(clips, { visual });
  embedder.add(Array.from({ length: 8 }, (_, i) => segment(i)));
  const found = await embedder.end();
  assert.deepEqual(batches, [3, 3, 2]);
  assert.deepEqual(
    found.visual?.map((vector) => vector?.[0]),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});
