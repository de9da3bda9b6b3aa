import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { encoderContract } from '../../../test/support/contracts/encoder.ts';
import {
  type EmbeddingsFault,
  type EmbeddingsServer,
  type EmbeddingsServerOptions,
  MODEL_NAME,
  type ServerKind,
  startEmbeddingsServer,
} from '../../../test/support/embeddings-server.ts';
import { type ModelPart, SmallMultimodalModel } from '../../../test/support/small-multimodal-model.ts';
import type { InputPart, Picture } from '../../media/frames.ts';
import { bundleFile } from '../bundle-file.ts';
import type { VisualClip } from '../encoder.ts';
import { InferenceClient, InferenceServerRefusal } from '../remote/client.ts';
import { ProtocolFault } from '../remote/protocol-fault.ts';
import { HEALTH_PATH } from './dialects.ts';
import { jointOnServer, picturesOnServer, soundOnServer, textsOnServer } from './encoders.ts';
import { EmbeddingsModel } from './model.ts';
import type { SentPictures, ServerModelSpec } from './spec.ts';

const KINDS = ['vllm', 'sglang', 'llama.cpp'] as const satisfies readonly ServerKind[];
const DIMENSION = 768;
/** JPEG at quality 95 changes a vector of smooth pictures by less than this. */
const MIN_COSINE = 0.995;
const SAMPLE_RATE = 16_000;

/** Disposed after the tests, in reverse order. */
const cleanup: AsyncDisposable[] = [];
after(async () => {
  for (const part of cleanup.toReversed()) await part[Symbol.asyncDispose]();
});
/** Shared by the servers: the graphs are loaded once. */
const small = await SmallMultimodalModel.open(DIMENSION);

async function server(kind: ServerKind, options: Partial<EmbeddingsServerOptions> = {}): Promise<EmbeddingsServer> {
  const started = await startEmbeddingsServer({ kind, model: small, ...options });
  cleanup.push(started);
  return started;
}

function modelOn(urls: readonly string[], dialect: ServerKind, spec: Partial<ServerModelSpec> = {}): EmbeddingsModel {
  const limits = { inFlight: 3, timeoutMs: 10_000, patienceMs: 10_000 };
  const client = new InferenceClient({ urls, ...limits, healthPath: HEALTH_PATH });
  const own = { kind: 'openai-embeddings', dialect, model: MODEL_NAME, space: 'test', dimension: DIMENSION } as const;
  const model = new EmbeddingsModel({ spec: { ...own, batch: 2, ...spec }, client, inFlight: 3 });
  cleanup.push({ [Symbol.asyncDispose]: () => model.close() });
  return model;
}

const pictures = (as: SentPictures['as'], more: Partial<SentPictures> = {}): SentPictures => ({
  perSecond: 2,
  perClip: 8,
  maxSide: 64,
  as,
  ...more,
});

/** A smooth picture that depends on the seed. */
function picture(seed: number, width = 64, height = 36): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y, channel] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    return 128 + 100 * Math.sin(x / (5 + seed) + y / (7 - (seed % 5)) + channel * seed);
  });
  return { timeSec: seed / 2, width, height, data };
}
const clip = (...seeds: number[]): VisualClip => ({ startSec: 0, endSec: 2, pictures: seeds.map((i) => picture(i)) });
const tone = (hertz: number, sec: number) =>
  Float32Array.from({ length: sec * SAMPLE_RATE }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / SAMPLE_RATE));

const image = ({ data, width, height }: Picture): ModelPart => ({ kind: 'image', rgb: data, width, height });
const words = (text: string): ModelPart => ({ kind: 'text', text });
/** Vector that the model itself has for an input, truncated to 512. */
async function expected(...parts: ModelPart[]): Promise<number[]> {
  const vector = (await small.embed(parts)).slice(0, 512);
  return vector.map((value) => value / Math.hypot(...vector));
}
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
function assertNear(found: Float32Array | undefined, wanted: readonly number[], least = MIN_COSINE): void {
  assert.ok(found);
  assert.ok(cosine(found, wanted) > least, `cosine ${cosine(found, wanted)}`);
}

for (const kind of KINDS) {
  const own = await server(kind);
  encoderContract(
    `pictures on ${kind}`,
    async () => picturesOnServer({ space: 'test', pictures: pictures('mean'), model: modelOn([own.url], kind) }),
    [clip(1, 2, 3), clip(4), clip(2, 2), { ...clip(5), isStill: true }],
  );

  describe(`a ${kind} server`, () => {
    test('embeds texts in batches, after the prefix', async () => {
      const one = await server(kind);
      const text = { prefix: 'query: ', chat: false };
      const encoder = textsOnServer({ space: 'test', text, model: modelOn([one.url], kind) });
      const texts = ['a red car', 'rain', 'the sea'];
      const vectors = await encoder.encode(texts.map((text) => ({ startSec: 0, endSec: 1, text })));
      for (const [i, each] of texts.entries()) assertNear(vectors[i], await expected(words(`query: ${each}`)), 0.99999);
      assert.deepEqual(one.answered.map(({ body }) => body.input.length).sort(), [1, 2]);
    });

    test('embeds pictures one by one, or those of a segment together', async () => {
      const one = await server(kind);
      const model = modelOn([one.url], kind);
      const alone = picturesOnServer({ space: 'test', pictures: pictures('mean'), model });
      assertNear((await alone.encode([clip(3)]))[0], await expected(image(picture(3))));
      const together = picturesOnServer({ space: 'test', pictures: pictures('images'), model });
      const clips = [clip(1, 2, 3), clip(4, 5)];
      const vectors = await together.encode(clips);
      for (const [i, { pictures }] of clips.entries()) assertNear(vectors[i], await expected(...pictures.map(image)));
    });

    test('embeds sound; a long clip is the mean of its parts', async () => {
      const one = await server(kind);
      const sound = { sampleRate: SAMPLE_RATE, windowSec: 2 };
      const encoder = soundOnServer({ space: 'test', sound, model: modelOn([one.url], kind) });
      const samples = tone(300, 3);
      const vectors = await encoder.encode([
        { startSec: 0, endSec: 1, samples: tone(100, 1) },
        { startSec: 0, endSec: 3, samples },
      ]);
      const part = (from: number, to: number): ModelPart => ({
        kind: 'sound',
        samples: samples.subarray(from, to),
        sampleRate: SAMPLE_RATE,
      });
      assertNear(vectors[0], await expected({ kind: 'sound', samples: tone(100, 1), sampleRate: SAMPLE_RATE }), 0.9999);
      const [a, b] = [await expected(part(0, 24_000)), await expected(part(24_000, 48_000))];
      const mean = a.map((value, i) => value + b[i]!);
      assertNear(
        vectors[1],
        mean.map((value) => value / Math.hypot(...mean)),
        0.9999,
      );
    });

    test('is checked for the model and the length of its vectors', async () => {
      const one = await server(kind);
      await modelOn([one.url], kind).check();
      const short = modelOn([one.url], kind, { dimension: 512 }).check();
      await assert.rejects(short, (error: Error) => {
        assert.ok(error instanceof ProtocolFault);
        assert.match(error.message, /small\/multimodal .*sent 768 values, where the bundle's "dimension" is 512/);
        return true;
      });
      const other = modelOn([one.url], kind, { model: 'other' }).check();
      if (kind === 'llama.cpp') await other;
      else await assert.rejects(other, /no model "other", but small\/multimodal/);
    });

    test('that is overloaded or breaks off loses no input and doubles none', async () => {
      const one = await server(kind);
      one.fault = (count) => {
        if (count % 4 === 0) return { kind: 'status', status: 429, headers: { 'retry-after': '0' } };
        return count % 4 === 1 ? { kind: 'cut' } : null;
      };
      const model = modelOn([one.url], kind);
      const encoder = picturesOnServer({ space: 'test', pictures: pictures('images'), model });
      const clips = [1, 2, 3, 4, 5].map((seed) => clip(seed, seed + 1));
      const vectors = await encoder.encode(clips);
      for (const [i, { pictures }] of clips.entries()) assertNear(vectors[i], await expected(...pictures.map(image)));
    });
  });
}

describe('the dialects', () => {
  for (const kind of ['vllm', 'llama.cpp'] as const) {
    test(`${kind} embeds a query of several parts in their order`, async () => {
      const one = await server(kind);
      const joint = jointOnServer({
        space: 'test',
        pictures: pictures(kind === 'vllm' ? 'video' : 'images'),
        prefix: 'query: ',
        sampleRate: SAMPLE_RATE,
        model: modelOn([one.url], kind),
      });
      const samples = tone(200, 1);
      const film = [picture(2), picture(3)];
      const parts: InputPart[] = [
        { kind: 'text', text: 'like this' },
        { kind: 'picture', picture: picture(1) },
        { kind: 'sound', samples },
        { kind: 'video', pictures: film },
      ];
      const sound: ModelPart = { kind: 'sound', samples, sampleRate: SAMPLE_RATE };
      // llama.cpp has one text where texts follow each other.
      const prefixed = kind === 'vllm' ? [words('query: '), words('like this')] : [words('query: like this')];
      const vector = await joint.encode(parts);
      assertNear(vector, await expected(...prefixed, image(picture(1)), sound, ...film.map(image)));
      const turned = await joint.encode(parts.toReversed());
      assert.ok(cosine(vector, turned) < MIN_COSINE, 'the order makes no difference');
    });
  }

  test('vllm takes the pictures of a segment as a video, with their times', async () => {
    const one = await server('vllm');
    const model = modelOn([one.url], 'vllm');
    const encoder = picturesOnServer({ space: 'test', pictures: pictures('video'), model });
    const [vector] = await encoder.encode([clip(1, 2, 3)]);
    assertNear(vector, await expected(...[1, 2, 3].map((seed) => image(picture(seed)))));
    const { fps, duration, frames_indices } = one.answered[0]!.body.media_io_kwargs.video;
    assert.deepEqual({ fps, duration, frames_indices }, { fps: 2, duration: 1.5, frames_indices: [0, 1, 2] });
  });

  test('vllm takes text through its chat template where the bundle says so', async () => {
    const one = await server('vllm');
    const text = { prefix: '', chat: true };
    const encoder = textsOnServer({ space: 'test', text, model: modelOn([one.url], 'vllm') });
    await encoder.encode([{ startSec: 0, endSec: 1, text: 'rain' }]);
    assert.deepEqual(one.answered[0]!.body.messages, [{ role: 'user', content: [{ type: 'text', text: 'rain' }] }]);
  });

  test('sglang takes one picture at /v1/embeddings, and several or sound at /encode', async () => {
    const one = await server('sglang');
    const model = modelOn([one.url], 'sglang');
    await model.embed([[{ kind: 'picture', picture: picture(1) }]]);
    await model.embed([[1, 2].map((seed) => ({ kind: 'picture', picture: picture(seed) }))]);
    await model.embed([[{ kind: 'sound', samples: tone(100, 1) }]]);
    assert.deepEqual(
      one.answered.map(({ path }) => path),
      ['/v1/embeddings', '/encode', '/encode'],
    );
  });

  test('llama.cpp servers have media markers of their own, and another after each start', async () => {
    const [one, two] = [await server('llama.cpp'), await server('llama.cpp')];
    const model = modelOn([one.url, two.url], 'llama.cpp', { batch: 1 });
    const inputs = Array.from({ length: 8 }, (_, i) => [{ kind: 'picture', picture: picture(i) } as const]);
    const vectors = await model.embed(inputs);
    assert.ok(one.answered.length > 0 && two.answered.length > 0);
    await one.stop();
    await two.stop();
    const again = await server('llama.cpp', { port: two.port });
    assert.deepEqual(await model.embed(inputs), vectors);
    assert.equal(again.answered.length, 8);
  });
});

describe('a response', () => {
  const broken: Record<string, { fault: EmbeddingsFault; message: RegExp }> = {
    'with too few vectors': {
      fault: { kind: 'answer', change: ({ data }) => ({ data: data.slice(1) }) },
      message: /1 vectors for 2 inputs/,
    },
    'with one index twice': {
      fault: { kind: 'answer', change: ({ data }) => ({ data: data.map((row) => ({ ...row, index: 0 })) }) },
      message: /vector with the index 0/,
    },
    'with a vector for each token': {
      fault: {
        kind: 'answer',
        change: ({ data }) => ({ data: data.map((row) => ({ ...row, embedding: [row.embedding] })) }),
      },
      message: /vector for each token.*--pooling/,
    },
    'with what is no number': {
      fault: {
        kind: 'answer',
        change: ({ data }) => ({ data: data.map((row) => ({ ...row, embedding: row.embedding.fill(Number.NaN) })) }),
      },
      message: /what is no number/,
    },
    'that is no JSON object': { fault: { kind: 'answer', change: () => 'busy' }, message: /no JSON object/ },
  };
  for (const [name, { fault, message }] of Object.entries(broken)) {
    test(`${name} is refused`, async () => {
      const one = await server('vllm');
      one.fault = () => fault;
      const embedding = modelOn([one.url], 'vllm').embed(['a', 'b'].map((text) => [{ kind: 'text', text }]));
      await assert.rejects(embedding, (error: Error) => {
        assert.ok(error instanceof ProtocolFault);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('in another order is sorted by its indexes', async () => {
    const one = await server('vllm');
    one.fault = () => ({ kind: 'answer', change: ({ data }) => ({ data: data.toReversed() }) });
    const vectors = await modelOn([one.url], 'vllm').embed(['a', 'b'].map((text) => [{ kind: 'text', text }]));
    assertNear(vectors[0], await expected(words('a')), 0.99999);
  });

  test('that refuses the request is quoted', async () => {
    const one = await server('vllm');
    one.fault = () => ({ kind: 'status', status: 400 });
    const embedding = modelOn([one.url], 'vllm').embed([[{ kind: 'text', text: 'a' }]]);
    await assert.rejects(embedding, (error: Error) => {
      assert.ok(error instanceof InferenceServerRefusal);
      assert.match(error.message, /answered 400: a fault of the test$/);
      return true;
    });
  });
});

describe('a bundle file', () => {
  const encoder = { kind: 'openai-embeddings', model: 'm', space: 's' };
  const faultsOf = (parts: object) => {
    const expect = { memoryMb: 1, speed: 'Fast.' };
    const file = { name: 'mine', revision: '1', can: 'x', cannot: 'x', licence: 'x', expect, ...parts };
    return bundleFile.safeParse(file).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
  };

  test('has defaults for what is sent', () => {
    const visual = { ...encoder, dialect: 'sglang', pictures: {} };
    const audio = { ...encoder, dialect: 'sglang', sound: {} };
    const text = { ...encoder, dialect: 'sglang', text: {} };
    assert.deepEqual(faultsOf({ visual, audio, transcription: text, textQueries: [text] }), []);
  });

  test('is refused if the dialect cannot do what it asks for', () => {
    const visual = { ...encoder, dialect: 'llama.cpp', pictures: { as: 'video' } };
    assert.match(faultsOf({ visual })[0]!, /^visual\.pictures\.as is for the dialect vllm\. Use "images"/);
    const joint = { ...encoder, dialect: 'sglang', pictures: {}, joint: true };
    assert.match(faultsOf({ visual: joint })[0]!, /^visual\.joint must be false with the dialect sglang/);
    const chat = { ...encoder, dialect: 'sglang', text: { chat: true } };
    assert.match(faultsOf({ transcription: chat })[0]!, /^transcription\.text\.chat is for the dialect vllm/);
  });
});
