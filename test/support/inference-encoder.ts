import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { VisualClip } from '../../src/encode/encoder.ts';
import { InferenceServerModel } from '../../src/encode/inference-server/model.ts';
import { HEALTH_PATH } from '../../src/encode/inference-server/protocol.ts';
import { OnnxModel } from '../../src/encode/onnx/model.ts';
import { InferenceClient } from '../../src/encode/remote/client.ts';
import { pictureEncoder } from '../../src/encode/tensors/pictures.ts';
import type { PicturesSpec } from '../../src/encode/tensors/spec.ts';
import { type InferenceServer, startInferenceServer } from './inference-server.ts';
import { noise } from './noise.ts';
import { TINY_VIT, visionModel } from './onnx/models.ts';

/** The vision model of the tests, as an ONNX file. */
export const VISION = visionModel(TINY_VIT);
/** Width and height of its pictures, in pixels. */
export const SIDE = TINY_VIT.image;
const PICTURES: PicturesSpec = {
  perSecond: 1,
  perClip: 32,
  width: SIDE,
  height: SIDE,
  fit: 'stretch',
  filter: 'bilinear',
  mean: [0.5, 0.5, 0.5],
  deviation: [0.25, 0.25, 0.25],
};

/** Disposed after the tests, in reverse order. */
export const cleanup: AsyncDisposable[] = [];
after(async () => {
  for (const part of cleanup.toReversed()) await part[Symbol.asyncDispose]();
});

/** Starts an inference server; closed after the tests. */
export async function server(
  options: Partial<Parameters<typeof startInferenceServer>[0]> = {},
): Promise<InferenceServer> {
  const started = await startInferenceServer({ models: { vision: VISION }, ...options });
  cleanup.push(started);
  return started;
}

/** Options of `encoderOf`. */
export interface EncoderOptions {
  readonly batch?: number;
  readonly model?: string;
  readonly output?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly patienceMs?: number;
  readonly authorization?: string;
}

/** Picture encoder on inference servers; closed after the tests. */
export function encoderOf(urls: readonly string[], options: EncoderOptions = {}) {
  const { batch = 2, model: name = 'vision', output = 'image_embeds', timeoutMs = 5000, patienceMs = 10_000 } = options;
  const { authorization, input = 'pixel_values' } = options;
  const client = new InferenceClient({
    urls,
    authorization,
    inFlight: 3,
    timeoutMs,
    patienceMs,
    healthPath: HEALTH_PATH,
  });
  const model = new InferenceServerModel({ client, model: name, batch, inFlight: 3 });
  const encoder = pictureEncoder({
    space: 'test',
    input,
    output: { name: output, pooling: 'none', dimension: 512 },
    pictures: PICTURES,
    model,
  });
  cleanup.push({ [Symbol.asyncDispose]: () => encoder.close() });
  return encoder;
}

/** Distinct clips of one random picture each. */
export function clips(count: number): VisualClip[] {
  return Array.from({ length: count }, (_, seed) => {
    const random = noise(seed + 1);
    const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => 127 * (random() + 1));
    return { startSec: seed, endSec: seed + 1, pictures: [{ timeSec: seed, width: SIDE, height: SIDE, data }] };
  });
}

/** Clip of one grey picture. */
export const flat = (level: number): VisualClip => ({
  startSec: 0,
  endSec: 1,
  pictures: [{ timeSec: 0, width: SIDE, height: SIDE, data: new Uint8Array(SIDE * SIDE * 3).fill(level) }],
});

/** Vectors of the same model in onnxruntime in this process. */
export async function expected(wanted: readonly VisualClip[]): Promise<Float32Array[]> {
  const model = new OnnxModel({
    file: async () => VISION as unknown as string,
    batch: 2,
    device: 'cpu',
    threads: 1,
    modelIdleMs: 1000,
  });
  const output = { name: 'image_embeds', pooling: 'none', dimension: 512 } as const;
  const encoder = pictureEncoder({ space: 'test', input: 'pixel_values', output, pictures: PICTURES, model });
  try {
    return await encoder.encode(wanted);
  } finally {
    await encoder.close();
  }
}

export const wanted = clips(24);
export const expectedVectors = await expected(wanted);

/** Asserts that the vectors are those of `wanted`, in order. */
export function assertExpected(vectors: readonly Float32Array[]): void {
  assert.equal(vectors.length, expectedVectors.length);
  for (const [i, vector] of vectors.entries()) assert.deepEqual(vector, expectedVectors[i], `clip ${i}`);
}
