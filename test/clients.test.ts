import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import sharp from 'sharp';
import { type TwelveLabs, TwelvelabsApi } from 'twelvelabs-js';
import { hostFiles } from './support/file-host.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { sdk } from './support/sdk.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

const FILM_SEC = 12;

describe('clients as they are', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let client: TwelveLabs;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let folder: string;
  const path = (name: string) => join(folder, name);
  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    makeMedia(path('film.mkv'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'cellauto'], { secondsEach: FILM_SEC / 4 }),
      audio: `aevalsrc=0.4*sin(2*PI*(300+60*t)*t):d=${FILM_SEC}`,
    });
    makeMedia(path('short.mkv'), { video: cutsBetween(['testsrc2', 'smptebars'], { secondsEach: 4 }) });
    makeMedia(path('sound.flac'), { audio: 'aevalsrc=0.4*sin(2*PI*(300+60*t)*t):d=9', audioCodec: FF_ENCODER_FLAC });
    const still = sharp({ create: { width: 200, height: 200, channels: 3, background: 'teal' } });
    await writeFile(path('still.jpg'), await still.jpeg().toBuffer());
    host = stack.use(await hostFiles(folder));
    server = stack.use(
      await startServer({ dataDir: stack.use(temporaryFolder()).path, env: { REELVEC_WORKERS: '1' } }),
    );
    client = sdk(server.url);
  });
  after(() => stack.disposeAsync());

  /** Vector of an input by `POST /embed-v2`. */
  async function byV2(body: object): Promise<number[]> {
    return (await call(server, 'POST', '/embed-v2', { body: { model_name: 'marengo3.0', ...body } })).body.data[0]
      .embedding;
  }

  /** Sends a form with the exact bytes of a client. */
  async function sendForm(boundary: string, parts: readonly (string | Uint8Array)[], headers = {}) {
    const response = await fetch(`${server.url}/embed`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'x-api-key': KEY, ...headers },
      body: Buffer.concat(parts.map((part) => Buffer.from(part))),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }

  test('a request of Weaviate, Milvus and LangChain4j for text is answered with one segment', async () => {
    const float = await byV2({ input_type: 'text', text: { input_text: 'dogs & cats' } });
    const boundaries = {
      Go: '9d1e8cfa2d5b4e6ea2b0c1f3a4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1',
      LangChain4j: '----LangChain4j',
    };
    for (const [name, boundary] of Object.entries(boundaries)) {
      const field = (name: string, value: string) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const form = [field('model_name', 'marengo3.0'), field('text', 'dogs & cats'), `--${boundary}--\r\n`];
      const { status, body } = await sendForm(boundary, form, { accept: 'application/json' });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body, { model_name: 'marengo3.0', text_embedding: { segments: [{ float }] } }, name);
    }
  });

  test('a request of Weaviate for an image is answered with one segment, and its error with a message', async () => {
    const boundary = '9d1e8cfa2d5b4e6ea2b0c1f3a4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1';
    const form = (file: Uint8Array) => [
      `--${boundary}\r\nContent-Disposition: form-data; name="model_name"\r\n\r\nmarengo3.0\r\n`,
      `--${boundary}\r\nContent-Disposition: form-data; name="image_file"; filename="image"\r\n`,
      'Content-Type: application/octet-stream\r\n\r\n',
      file,
      `\r\n--${boundary}--\r\n`,
    ];
    const still = readFileSync(path('still.jpg'));
    const { status, body } = await sendForm(boundary, form(still));
    assert.equal(status, 200, JSON.stringify(body));
    const media_source = { base64_string: still.toString('base64') };
    const float = await byV2({ input_type: 'image', image: { media_source } });
    assert.deepEqual(body, { model_name: 'marengo3.0', image_embedding: { segments: [{ float }] } });
    const broken = await sendForm(boundary, form(still.subarray(0, 200)));
    assert.equal(broken.status, 400);
    assert.match(broken.body.message, /^image_file: /);
  });

  test('embed.create of the JavaScript SDK: text, images and audio, from files and URLs', async () => {
    const text = await client.embed.create({ modelName: 'marengo3.0', text: 'dogs' });
    assert.equal(text.textEmbedding?.segments?.[0]?.float?.length, 512);
    const byUrl = await client.embed.create({ modelName: 'marengo3.0', imageUrl: `${host.url}/still.jpg` });
    const imageFile = createReadStream(path('still.jpg'));
    const byFile = await client.embed.create({ modelName: 'marengo3.0', imageFile });
    assert.deepEqual(byFile.imageEmbedding?.segments, byUrl.imageEmbedding?.segments);

    const audioFile = createReadStream(path('sound.flac'));
    const sound = await client.embed.create({ modelName: 'marengo3.0', audioFile, audioStartOffsetSec: 1 });
    const segments = sound.audioEmbedding?.segments ?? [];
    const overrides = { start_sec: 1, embedding_option: ['audio'], embedding_scope: ['clip'] };
    const body = asking('audio', { url: `${host.url}/sound.flac` }, overrides);
    const { data } = (await call(server, 'POST', '/embed-v2', { body })).body;
    assert.deepEqual(
      segments.map(({ float, startOffsetSec, endOffsetSec }) => [float, startOffsetSec, endOffsetSec]),
      data.map(({ embedding, start_sec, end_sec }: Record<string, unknown>) => [embedding, start_sec, end_sec]),
    );
    assert.deepEqual([segments.length, segments[0]?.startOffsetSec], [2, 1]);
    await assert.rejects(
      client.embed.create({ modelName: 'marengo3.0', audioFile: createReadStream(path('still.jpg')) }),
      (error) => error instanceof TwelvelabsApi.BadRequestError && /audio_file/.test(JSON.stringify(error.body)),
    );
  });

  test('embed.tasks of the JavaScript SDK has the vectors of the same task in embed-v2', async () => {
    const videoFile = createReadStream(path('film.mkv'));
    const { id = '' } = await client.embed.tasks.create({
      modelName: 'marengo3.0',
      videoFile,
      videoClipLength: 5,
      videoEmbeddingScope: ['clip', 'video'],
    });
    const seen: (string | undefined)[] = [];
    const callback = ({ status }: { status?: string }) => void seen.push(status);
    const done = await client.embed.tasks.waitForDone(id, { sleepInterval: 0.2, callback });
    assert.equal(done.status, 'ready');
    assert.equal(done.videoEmbedding?.metadata?.videoClipLength, 5);

    const { videoEmbedding, modelName } = await client.embed.tasks.retrieve(id);
    assert.equal(modelName, 'marengo3.0');
    assert.ok(Math.abs(videoEmbedding!.metadata!.duration! - FILM_SEC) < 0.1);
    assert.equal(videoEmbedding?.metadata?.inputFilename, 'film.mkv');
    const segments = videoEmbedding?.segments ?? [];
    const scopes = segments.map(({ embeddingScope, startOffsetSec }) => `${embeddingScope} ${startOffsetSec}`);
    assert.deepEqual(new Set(scopes), new Set(['clip 0', 'clip 5', 'clip 10', 'video 0']));
    const other = await createTask(
      server,
      asking(
        'video',
        { base64_string: readFileSync(path('film.mkv')).toString('base64') },
        { segmentation: { strategy: 'fixed', fixed: { duration_sec: 5 } } },
      ),
    );
    await ready(server, other);
    const { data } = (await call(server, 'GET', `/embed-v2/tasks/${other}`)).body;
    assert.deepEqual(
      segments.map(({ float }) => float),
      data.map(({ embedding }: { embedding: number[] }) => embedding),
    );

    const audio = await client.embed.tasks.retrieve(id, { embeddingOption: ['audio'] });
    assert.deepEqual(new Set(audio.videoEmbedding?.segments?.map((item) => item.embeddingOption)), new Set(['audio']));
    const listed: (string | undefined)[] = [];
    for await (const task of await client.embed.tasks.list({ pageLimit: 1 })) listed.push(task.id);
    assert.deepEqual(new Set(listed), new Set([id, other]));
  });

  test('the requests of Meilisearch are answered with one vector each', async () => {
    const still = readFileSync(path('still.jpg')).toString('base64');
    const fragments = [
      { input_text: 'A product named Boots: for muddy paths' },
      { media_sources: [{ media_type: 'image', url: `${host.url}/still.jpg` }] },
      { media_sources: [{ media_type: 'image', base64_string: still }] },
      { media_sources: [{ media_type: 'video', url: `${host.url}/film.mkv` }] },
    ];
    const vectors: number[][] = [];
    for (const multi_input of fragments) {
      const body = { input_type: 'multi_input', model_name: 'marengo3.5', multi_input };
      const answer = await call(server, 'POST', '/embed-v2', { body });
      assert.deepEqual([answer.status, answer.body.data?.length], [200, 1], answer.text.slice(0, 500));
      vectors.push(answer.body.data[0].embedding);
    }
    assert.deepEqual(vectors[2], vectors[1]);
  });

  test('video and audio in multi_input get the vector of a task that has them in one segment', async () => {
    const body = (kind: 'video' | 'audio', name: string) => ({
      inputType: 'multi_input' as const,
      modelName: 'marengo3.5' as const,
      multiInput: { mediaSources: [{ mediaType: kind, base64String: readFileSync(path(name)).toString('base64') }] },
    });
    for (const [kind, name, option] of [
      ['video', 'short.mkv', 'visual'],
      ['audio', 'sound.flac', 'audio'],
    ] as const) {
      const { data, usage } = await client.embed.v2.create(body(kind, name));
      assert.deepEqual(usage, { inputTokens: {}, truncated: false });
      const overrides = {
        embedding_option: [option],
        embedding_scope: ['local'],
        segmentation: { temporal: { strategy: 'fixed', fixed: { duration_sec: 10 } } },
      };
      const base64_string = readFileSync(path(name)).toString('base64');
      const task = { ...asking(kind, { base64_string }, overrides), model_name: 'marengo3.5' };
      const id = await createTask(server, task);
      await ready(server, id);
      const result = await client.embed.v2.tasks.retrieve(id);
      assert.deepEqual(
        result.data?.map(({ embedding, embeddingScope }) => [embedding, embeddingScope]),
        [[data[0]!.embedding, 'clip']],
      );
      assert.deepEqual(result.metadata?.embeddingScopes, ['local']);
    }
  });

  test('the JavaScript SDK creates, retrieves and lists the task of an image', async () => {
    const image = { mediaSource: { url: `${host.url}/still.jpg` } };
    const { id, status } = await client.embed.v2.tasks.create({ inputType: 'image', modelName: 'marengo3.5', image });
    assert.equal(status, 'processing');
    const task = await client.embed.v2.tasks.retrieve(id!);
    assert.deepEqual([task.status, task.metadata?.inputType], ['ready', 'image']);
    const media_source = { url: `${host.url}/still.jpg` };
    assert.deepEqual(task.data?.[0]?.embedding, await byV2({ input_type: 'image', image: { media_source } }));
    const { data } = await client.embed.v2.tasks.list({ pageLimit: 1 });
    assert.deepEqual(data[0]?.imageEmbedding?.metadata?.imageEmbeddingScope, ['asset']);
    for (const format of ['ndjson', 'arrow', 'parquet']) {
      const url = `${server.url}/embed-v2/tasks/${id}?format=${format}`;
      assert.equal((await fetch(url, { headers: { 'x-api-key': KEY } })).status, 200, format);
    }
  });
});
