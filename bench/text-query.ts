/**
 * Latency of a text query with a text model of CLIP's size: from the request to the whole answer, one after
 * another, over HTTP, by a real server with a loaded model; in turn with it, the model alone in onnxruntime with as
 * many threads. Weights are random: speed does not depend on them.
 *
 *   npm run bench:text-query
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readConfig } from '../src/config.ts';
import { NON_SPINNING_THREADS } from '../src/encode/onnx/session.ts';
import { encodeSettings } from '../src/start/worker-pool.ts';
import { clipTextModel, TINY_VIT, visionModel } from '../test/support/onnx/models.ts';
import { KEY, startServer, temporaryFolder } from '../test/support/server.ts';

const QUERIES = 100;
const WARM_UP = 10;
/** Target for the median latency, in milliseconds. */
const TARGET_P50_MS = 50;
const TOKENS = 77;
const VOCABULARY = 49_408;

using folder = temporaryFolder();
const bundle = writeBundle(folder.path);
const texts = Array.from({ length: WARM_UP + QUERIES }, (_, i) => `word${i} of a red car in the rain word${i * 7}`);

const config = readConfig({}, {});
const { threads } = encodeSettings({ ...config, workers: config.queryWorkers });
const session = await InferenceSession.create(join(folder.path, 'files', 'text.onnx'), {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  extra: NON_SPINNING_THREADS,
});
await using server = await startServer({
  dataDir: join(folder.path, 'data'),
  env: { REELVEC_BUNDLE: bundle, REELVEC_DEVICE: 'cpu' },
});
// In turn, so that other work on the machine slows both.
const times = { server: [] as number[], model: [] as number[] };
for (const [i, text] of texts.entries()) {
  const server = await timed(() => query(text));
  const model = await timed(() => run(text));
  if (i < WARM_UP) continue;
  times.server.push(server);
  times.model.push(model);
}
report('text query over HTTP', times.server);
report(`model alone, ${threads} of ${availableParallelism()} cores`, times.model);
const p50 = quantile(times.server, 0.5);
console.log(`query against model, p50: ${(p50 / quantile(times.model, 0.5)).toFixed(2)}`);
console.log(`promised p50 < ${TARGET_P50_MS} ms: ${p50 < TARGET_P50_MS ? 'kept' : 'missed'}`);
await session.release();

async function query(input_text: string): Promise<void> {
  const response = await fetch(`${server.url}/embed-v2`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ input_type: 'text', model_name: 'marengo3.0', text: { input_text } }),
  });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  if (data[0]?.embedding.length !== 512) throw new Error(`no vector: ${response.status}`);
}

async function run(text: string): Promise<void> {
  const ids = BigInt64Array.from({ length: TOKENS }, (_, i) => BigInt((text.length * 31 + i * 17) % VOCABULARY));
  await session.run({ input_ids: new Tensor('int64', ids, [1, TOKENS]) });
}

/** Bundle with text and pictures in one space; its picture model is a dummy. @returns the path of its file */
function writeBundle(root: string): string {
  const words = Object.fromEntries(
    Array.from({ length: VOCABULARY }, (_, id) => [id < 4 ? `[${id}]` : `word${id}`, id]),
  );
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: words, unk_token: '[0]' },
  };
  const files: Record<string, Uint8Array> = {
    'text.onnx': clipTextModel(),
    'vision.onnx': visionModel(TINY_VIT),
    'tokenizer.json': Buffer.from(JSON.stringify(tokenizer)),
    'tokenizer_config.json': Buffer.from(JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast' })),
  };
  mkdirSync(join(root, 'files'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, 'files', name), bytes);
  const facts = Object.entries(files).map(([name, bytes]) => [
    name,
    { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
  ]);
  const text = { tokenizer: 'own/tokenizer.json', tokenizerConfig: 'own/tokenizer_config.json', maxTokens: TOKENS };
  const path = join(root, 'clip-size.json');
  writeFileSync(
    path,
    JSON.stringify({
      name: 'clip-size',
      revision: '1',
      can: 'Be measured.',
      cannot: 'Find anything: its weights are random.',
      licence: 'Apache-2.0',
      expect: { memoryMb: 600, speed: 'measured here' },
      sources: { own: { folder: 'files', files: Object.fromEntries(facts) } },
      visual: {
        kind: 'onnx',
        file: 'own/vision.onnx',
        space: 'clip-size/visual',
        input: 'pixel_values',
        output: { name: 'image_embeds' },
        pictures: {
          perSecond: 1,
          width: TINY_VIT.image,
          height: TINY_VIT.image,
          fit: 'cover',
          filter: 'bicubic',
          mean: [0.5, 0.5, 0.5],
          deviation: [0.25, 0.25, 0.25],
        },
      },
      textQueries: [
        {
          kind: 'onnx',
          file: 'own/text.onnx',
          space: 'clip-size/visual',
          output: { name: 'text_embeds' },
          text: { ...text, padding: 'full' },
        },
      ],
    }),
  );
  return path;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function quantile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)]!;
}

function report(what: string, times: readonly number[]): void {
  const [min, p50, p95] = [0, 0.5, 0.95].map((share) => quantile(times, share).toFixed(1));
  console.log(`${what}: min ${min} ms, p50 ${p50} ms, p95 ${p95} ms (${times.length} queries)`);
}
