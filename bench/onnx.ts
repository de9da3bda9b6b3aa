/**
 * Share of onnxruntime's speed that is left when pictures come from a film: from the file to vectors, against
 * the bare session on prepared batches, with the same threads, in turn. The model is a vision transformer of the
 * size of CLIP's ViT-B/16 with random weights, which test/support/onnx writes.
 *
 * Settings: ROUNDS (default 6), THREADS (default 1, as with one worker per core).
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBundle } from '../src/encode/bundles.ts';
import { NON_SPINNING_THREADS } from '../src/encode/onnx/session.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { VIT_B_16, visionModel } from '../test/support/onnx/models.ts';
import { MEDIA_DIR } from './media.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 6);
const THREADS = Number(process.env['THREADS'] ?? 1);
/** Minimum share of the bare session's speed. */
const TARGET_SHARE = 0.9;
/** Pictures per batch. */
const BATCH_SIZE = 8;
const PICTURES_PER_SECOND = 2;
/** Length of film that fills the batches exactly: 24 pictures. */
const FILM_SEC = 12;
const OUT = join(import.meta.dirname, 'out');
const MODEL = 'vit-b-16.onnx';
const FILM = join(MEDIA_DIR, 'video', 'bbb_first216s_640x360.mp4');

mkdirSync(OUT, { recursive: true });
if (!existsSync(join(OUT, MODEL))) writeFileSync(join(OUT, MODEL), visionModel(VIT_B_16));
const bundleFile = join(OUT, 'vit-b-16.json');
writeFileSync(bundleFile, JSON.stringify(bundle()));

const settings = {
  modelsDir: OUT,
  device: 'cpu',
  threads: THREADS,
  modelIdleMs: 600_000,
  speechDevice: 'cpu',
  inference: { urls: [], authorization: undefined, inFlight: 1, timeoutMs: 1000, patienceMs: 0 },
} as const;
const opened = await openBundle(bundleFile, settings);
const session = await InferenceSession.create(join(OUT, MODEL), {
  executionProviders: ['cpu'],
  intraOpNumThreads: THREADS,
  extra: NON_SPINNING_THREADS,
  interOpNumThreads: 1,
  executionMode: 'sequential',
});
const pixels = Float32Array.from({ length: BATCH_SIZE * 3 * 224 * 224 }, (_, i) => Math.sin(i / 7));
const ready = { pixel_values: new Tensor('float32', pixels, [BATCH_SIZE, 3, 224, 224]) };

// Warm-up of both: loading and growth are not measured.
await session.run(ready);
await wholeWay(4);

const times = { bare: [] as number[], whole: [] as number[] };
const cpu: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const bare = await timed(async () => {
    for (let i = 0; i < FILM_SEC * PICTURES_PER_SECOND; i += BATCH_SIZE) await session.run(ready);
  });
  const whole = await timed(() => wholeWay(FILM_SEC));
  times.bare.push(bare.wall);
  times.whole.push(whole.wall);
  cpu.push(bare.cpu / whole.cpu);
  const rate = (seconds: number) => ((FILM_SEC * PICTURES_PER_SECOND) / seconds).toFixed(2);
  console.log(`round ${round + 1}: ${rate(bare.wall)} pictures/s bare, ${rate(whole.wall)} from the film`);
}
// The fastest of each: other work on the machine only ever slows down.
const wall = Math.min(...times.bare) / Math.min(...times.whole);
checkTargets([
  {
    what: `pictures a second from a film over onnxruntime alone, ${THREADS} threads`,
    got: `${wall.toFixed(3)} by the clock, ${median(cpu).toFixed(3)} by processor time (median)`,
    want: `≥ ${TARGET_SHARE}`,
    met: wall >= TARGET_SHARE,
  },
]);
await opened.visual!.close();
await session.release();

async function wholeWay(seconds: number): Promise<void> {
  const job = {
    path: FILM,
    range: { startSec: 0, endSec: seconds },
    segmentation: { strategy: 'fixed', durationSec: 6 },
    options: ['visual'],
  } as const;
  const { vectors } = await embedChunk(job, opened, () => {});
  if (vectors.visual?.some((vector) => vector === undefined)) throw new Error('a segment has no vector');
}

async function timed(work: () => Promise<void>): Promise<{ wall: number; cpu: number }> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 };
}

function bundle() {
  return {
    name: 'vit-b-16',
    revision: '1',
    can: 'Nothing: its weights are random.',
    cannot: 'It understands nothing.',
    licence: 'Apache-2.0',
    expect: { memoryMb: 900, speed: 'see bench/RESULTS.md' },
    sources: { own: { folder: '.', files: { [MODEL]: {} } } },
    visual: {
      kind: 'onnx',
      file: `own/${MODEL}`,
      batch: BATCH_SIZE,
      space: 'random',
      pictures: {
        perSecond: PICTURES_PER_SECOND,
        width: 224,
        height: 224,
        fit: 'cover',
        filter: 'bicubic',
        mean: [0.48145466, 0.4578275, 0.40821073],
        deviation: [0.26862954, 0.26130258, 0.27577711],
      },
      output: {},
    },
  };
}
