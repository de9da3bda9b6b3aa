/**
 * Cost of a multimodal model of EmbeddingGemma 2's size, next to the picture model of `clip`: processor seconds per minute of
 * film by soft tokens per picture and pictures per second, memory of each graph, and the share of onnxruntime's speed that is
 * left on the whole way from a film to vectors. The weights are random; the arithmetic is that of the real sizes. Figures are
 * processor time on one thread, so that other work on the machine hardly counts.
 *
 * `node bench/gemma.ts costs` and `share` measure one of the two. Graphs of 1.2 GB are written to bench/out. Settings: ROUNDS (default 2),
 * SECONDS (default 6, a multiple of it) of the whole way.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openBundle } from '../src/encode/bundles.ts';
import { measureCoreSpeed } from '../src/encode/onnx/core-speed.ts';
import { NON_SPINNING_THREADS } from '../src/encode/onnx/session.ts';
import { patchPictures, patchSize } from '../src/encode/tensors/patches.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { idOf, multimodalFixture, SPECIAL, TOKENIZER } from '../test/support/multimodal-bundle.ts';
import { VIT_B_16, visionModel } from '../test/support/onnx/models.ts';
import { audioEncoder, textModel, visionEncoder } from './gemma-graphs.ts';
import { MEDIA_DIR } from './media.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 2);
const SECONDS = Number(process.env['SECONDS'] ?? 6);
const SHARE_TARGET = 0.9;
const SEGMENT_SEC = 6;
const SEGMENTS_PER_MINUTE = 60 / SEGMENT_SEC;
const BUDGETS = [70, 140, 280];
const RATES = [0.5, 1, 2];
/** Soft tokens per picture and pictures per second of the whole way. */
const WHOLE = { tokens: 70, perSecond: 1 };
/** Pictures per segment that `clip` embeds. */
const CLIP_PICTURES = 8;
/** 16:9, as most film. */
const FILM_SIZE = { width: 1280, height: 720 };
const SOUND_FRAMES = SEGMENT_SEC * 100;
const SOUND_TOKENS = SOUND_FRAMES / 4;
const MEGABYTE = 1024 ** 2;

const OUT = join(import.meta.dirname, 'out', 'gemma-q8');
const FILM = join(MEDIA_DIR, 'video', 'bbb_first216s_640x360.mp4');
const placeholders = { image: idOf(SPECIAL.image), video: idOf(SPECIAL.video), audio: idOf(SPECIAL.sound) };

type Inputs = Record<string, Tensor>;

mkdirSync(join(OUT, 'onnx'), { recursive: true });
write('onnx/vision_encoder.onnx', () => visionEncoder('q8'));
write('onnx/audio_encoder.onnx', () => audioEncoder('q8'));
write('onnx/model.onnx', () => textModel('q8', placeholders));
write('vit-b-16.onnx', () => visionModel(VIT_B_16));
write('tokenizer.json', () => Buffer.from(JSON.stringify(TOKENIZER)));
write('tokenizer_config.json', () => Buffer.from('{"tokenizer_class": "PreTrainedTokenizerFast"}'));

/** Picture settings that are compared, with the tokens of a segment. */
const MIXES = BUDGETS.flatMap((budget) => RATES.map((rate) => ({ budget, rate, tokens: segmentTokens(budget, rate) })));
/** Graphs, with inputs whose cost is measured. */
const GRAPHS = {
  clip: { file: 'vit-b-16.onnx', inputs: () => [clipPicture()] },
  vision: { file: 'onnx/vision_encoder.onnx', inputs: () => BUDGETS.map((budget) => picture(budget).inputs) },
  text: {
    file: 'onnx/model.onnx',
    inputs: () => [12, SOUND_TOKENS + 4, ...MIXES.map(({ tokens }) => tokens)].map(tokenInputs),
  },
  audio: { file: 'onnx/audio_encoder.onnx', inputs: () => [soundInputs()] },
} as const;
type Graph = keyof typeof GRAPHS;

/** Measurements of a graph in a process of its own. */
interface Costs {
  /** Processor seconds per input. */
  readonly seconds: readonly number[];
  /** Memory above that before the load, in MB: loaded, and after the run of each input. */
  readonly megabytes: readonly number[];
}

const [part, name] = process.argv.slice(2);
if (part === '--measure') process.stdout.write(JSON.stringify(await measure(name as Graph)));
else {
  if (part !== 'share') await reportCosts();
  if (part !== 'costs') await compareWholeWay();
}

async function reportCosts(): Promise<void> {
  console.log(`float32 matrix product: ${(await measureCoreSpeed()).toFixed(0)} GFLOP/s a core`);
  const clip = measured('clip');
  const clipPerMinute = SEGMENTS_PER_MINUTE * CLIP_PICTURES * clip.seconds[0]!;
  console.log(
    `clip, pictures: ${clip.seconds[0]!.toFixed(2)} s each, ${clipPerMinute.toFixed(0)} s per minute of film`,
  );
  const [vision, text, audio] = [measured('vision'), measured('text'), measured('audio')];
  const [query, soundText, ...segments] = text.seconds;
  for (const [i, { budget, rate, tokens }] of MIXES.entries()) {
    const pictures = 60 * rate * vision.seconds[BUDGETS.indexOf(budget)]!;
    const total = pictures + SEGMENTS_PER_MINUTE * segments[i]!;
    console.log(
      `${budget} tokens, ${rate} pictures/s: ${total.toFixed(0)} s per minute of film ` +
        `(pictures ${pictures.toFixed(0)}; text graph ${segments[i]!.toFixed(2)} s for the ${tokens} tokens of a segment)`,
    );
  }
  const soundPerMinute = SEGMENTS_PER_MINUTE * (audio.seconds[0]! + soundText!);
  console.log(`sound: ${soundPerMinute.toFixed(0)} s per minute of film; a query of 12 tokens: ${query!.toFixed(2)} s`);
  for (const [graph, { megabytes }] of Object.entries({ clip, vision, text, audio })) {
    console.log(`memory of ${graph}: ${megabytes.map(Math.round).join(', ')} MB (loaded, after each input)`);
  }
}

function measured(graph: Graph): Costs {
  const args = [import.meta.filename, '--measure', graph];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function measure(graph: Graph): Promise<Costs> {
  const { file, inputs } = GRAPHS[graph];
  const before = process.memoryUsage.rss();
  const session = await openSession(file);
  const above = () => (process.memoryUsage.rss() - before) / MEGABYTE;
  const megabytes = [above()];
  const seconds: number[] = [];
  for (const each of inputs()) {
    await session.run(each); // The first run of a shape allocates.
    seconds.push(await processorSeconds(() => session.run(each)));
    megabytes.push(above());
  }
  await session.release();
  return { seconds, megabytes };
}

/** Writes a file of the cache. */
function write(name: string, content: () => Uint8Array): void {
  const path = join(OUT, name);
  if (existsSync(path)) return;
  writeFileSync(`${path}.part`, content());
  renameSync(`${path}.part`, path);
}

function openSession(file: string): Promise<InferenceSession> {
  return InferenceSession.create(join(OUT, file), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: NON_SPINNING_THREADS,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
}

async function processorSeconds(work: () => Promise<unknown>): Promise<number> {
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1e6;
}

function clipPicture(): Inputs {
  const pixels = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i / 7));
  return { pixel_values: new Tensor('float32', pixels, [1, 3, 224, 224]) };
}

/** A picture of a film, ready for the encoder. */
function picture(budget: number): { inputs: Inputs; softTokens: number } {
  const spec = { patch: 16, pool: 3, maxTokens: budget };
  const size = patchSize(FILM_SIZE.width, FILM_SIZE.height, spec);
  const data = Uint8Array.from({ length: size.width * size.height * 3 }, (_, i) => 128 + 120 * Math.sin(i / 50));
  const { patches, positions, perPicture } = patchPictures([{ ...size, data }], spec);
  return {
    softTokens: size.softTokens,
    inputs: {
      pixel_values: new Tensor('float32', patches, [1, perPicture, 768]),
      pixel_position_ids: new Tensor('int64', positions, [1, perPicture, 2]),
    },
  };
}

/** Tokens of the pictures of a segment, with one at the begin and the end of each picture and of the input. */
function segmentTokens(budget: number, rate: number): number {
  const { softTokens } = patchSize(FILM_SIZE.width, FILM_SIZE.height, { patch: 16, pool: 3, maxTokens: budget });
  return SEGMENT_SEC * rate * (softTokens + 2) + 2;
}

/** Inputs of the text graph without soft tokens, whose lookup takes no time. */
function tokenInputs(count: number): Inputs {
  const none = () => new Tensor('float32', new Float32Array(0), [0, 512]);
  return {
    ...tokenIds(new Array(count).fill(5n)),
    image_features: none(),
    video_features: none(),
    audio_features: none(),
  };
}

function tokenIds(ids: readonly bigint[]): Inputs {
  return {
    input_ids: new Tensor('int64', BigInt64Array.from(ids), [1, ids.length]),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
  };
}

function soundInputs(): Inputs {
  const frames = Float32Array.from({ length: SOUND_FRAMES * 128 }, (_, i) => Math.sin(i / 7));
  return {
    input_features: new Tensor('float32', frames, [1, SOUND_FRAMES, 128]),
    input_features_mask: new Tensor('bool', new Uint8Array(SOUND_FRAMES).fill(1), [1, SOUND_FRAMES]),
  };
}

/** Compares the way from a film to vectors with bare sessions on ready inputs, in turn. */
async function compareWholeWay(): Promise<void> {
  const file = join(OUT, 'bundle.json');
  writeFileSync(file, JSON.stringify(bundle()));
  const opened = await openBundle(file, {
    modelsDir: OUT,
    device: 'cpu',
    threads: 1,
    modelIdleMs: 600_000,
    speechDevice: 'cpu',
    inference: { urls: [], authorization: undefined, inFlight: 1, timeoutMs: 1000, patienceMs: 0 },
  });
  const [visionSession, textSession] = [
    await openSession('onnx/vision_encoder.onnx'),
    await openSession('onnx/model.onnx'),
  ];
  const { inputs, softTokens } = picture(WHOLE.tokens);
  const count = SEGMENT_SEC * WHOLE.perSecond;
  const features = new Tensor('float32', new Float32Array(count * softTokens * 512).fill(0.1), [
    count * softTokens,
    512,
  ]);
  const tokens = { ...tokenInputs(1), ...segmentIds(count, softTokens), video_features: features };
  const bare = async (seconds: number) => {
    for (let i = 0; i < seconds / SEGMENT_SEC; i++) {
      for (let k = 0; k < count; k++) await visionSession.run(inputs);
      await textSession.run(tokens);
    }
  };
  const whole = async (seconds: number) => {
    const range = { startSec: 0, endSec: seconds };
    const segmentation = { strategy: 'fixed', durationSec: SEGMENT_SEC } as const;
    const { vectors } = await embedChunk({ path: FILM, range, segmentation, options: ['visual'] }, opened, () => {});
    if (vectors.visual?.some((vector) => vector === undefined)) throw new Error('a segment has no vector');
  };
  // Loads the graphs, which is not measured.
  await whole(1);
  await visionSession.run(inputs);
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [bareSec, wholeSec] = [
      await processorSeconds(() => bare(SECONDS)),
      await processorSeconds(() => whole(SECONDS)),
    ];
    shares.push(bareSec / wholeSec);
    console.log(`round ${round + 1}: ${bareSec.toFixed(1)} s bare, ${wholeSec.toFixed(1)} s from the film`);
  }
  const share = median(shares);
  checkTargets([
    {
      what: `segments from a film over onnxruntime alone, ${WHOLE.tokens} tokens, ${WHOLE.perSecond} picture/s`,
      got: `${share.toFixed(3)} by processor time (median)`,
      want: `≥ ${SHARE_TARGET}`,
      met: share >= SHARE_TARGET,
    },
  ]);
  await opened.visual!.close();
  await Promise.all([visionSession.release(), textSession.release()]);
}

/** Token ids of a segment of pictures. */
function segmentIds(pictures: number, softTokens: number): Inputs {
  const [begin, end] = [SPECIAL.begin, SPECIAL.end].map((token) => BigInt(idOf(token)));
  const [before, after] = [SPECIAL.pictureBegin, SPECIAL.pictureEnd].map((token) => BigInt(idOf(token)));
  const one = [before!, ...new Array<bigint>(softTokens).fill(BigInt(placeholders.video)), after!];
  return tokenIds([begin!, ...new Array(pictures).fill(one).flat(), end!]);
}

/** Bundle of the graphs. Without `sameUpTo`: every picture is embedded. */
function bundle() {
  const fixture = multimodalFixture();
  const { gemma } = fixture.models;
  const files = [
    'onnx/model.onnx',
    'onnx/vision_encoder.onnx',
    'onnx/audio_encoder.onnx',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  return {
    ...fixture,
    sources: { test: { folder: '.', files: Object.fromEntries(files.map((file) => [file, {}])) } },
    models: {
      gemma: {
        ...gemma,
        softTokenWidth: 512,
        pictures: { ...gemma.pictures, video: { ...gemma.pictures.video, ...WHOLE, sameUpTo: undefined } },
      },
    },
  };
}
