import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { type Counts, countFiles, countObjects, countResources, growth, memoryInUse } from './support/census.ts';
import { hostFiles } from './support/file-host.ts';
import { INSPECTABLE, Inspector } from './support/inspector.ts';
import { makeMedia } from './support/make-media.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready, uploadAsset } from './support/tasks.ts';

/** Rounds of each operation. `npm run test:leaks` does each of them 2,000 times. */
const ROUNDS = process.env['REELVEC_TEST_ROUNDS'] ? Number(process.env['REELVEC_TEST_ROUNDS']) : undefined;
/** Rounds of cheap operations: more than the descriptors that the server may open. */
const CHEAP_ROUNDS = 270;
/** Rounds of expensive operations, which occupy or kill a media worker. */
const EXPENSIVE_ROUNDS = 20;
/** Limit of open descriptors of the server. */
const MAX_DESCRIPTORS = 256;
/** Rounds of an operation that run concurrently. */
const CONCURRENCY = 4;
/** Tolerated growth of descriptors and resources: a worker that starts, a connection that closes. */
const ALLOWED_RESOURCES = 6;
/** Tolerated growth of listeners, signals and promises: a running media worker has a dozen listeners, a kept-alive connection has twenty. */
const ALLOWED_OBJECTS = 60;
/** Maximum wait for the cleanup after an answer. */
const SETTLE_TIMEOUT_MS = 30_000;
/** Tolerated growth of memory: caches that fill up, code that is compiled. */
const ALLOWED_BYTES = 12 * 1024 ** 2;
/** Further tolerated growth of memory per operation. */
const ALLOWED_BYTES_PER_OPERATION = 512;
const HEADERS = { 'x-api-key': KEY };

interface Operation {
  readonly name: string;
  readonly rounds: number;
  readonly run: (round: number) => Promise<void>;
}

const skip = process.platform === 'linux' ? false : 'descriptors are counted in /proc';

describe('nothing leaks', { skip }, () => {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const dataDir = join(folder, 'data');
  const temporary = join(folder, 'tmp');
  const media = join(folder, 'media');
  const folders = [join(dataDir, 'blobs'), join(dataDir, 'scratch'), temporary];
  let server: RunningServer;
  let inspector: Inspector;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  /** Two ready tasks: one of a few rows, and one with more bytes than the buffers of an unread connection hold. */
  let small: string;
  let large: string;
  let thumbnail: string;
  let plainAsset: string;
  let tone: Buffer<ArrayBuffer>;
  let film: Buffer<ArrayBuffer>;

  before(async () => {
    for (const path of [temporary, media]) mkdirSync(path);
    const sound = (name: string, audio: string) => makeMedia(join(media, name), { audio, audioCodec: FF_ENCODER_FLAC });
    tone = readFileSync(sound('tone.flac', 'sine=duration=4.5:sample_rate=8000'));
    sound('short.flac', 'sine=duration=2:sample_rate=8000');
    sound('long.flac', 'sine=duration=900:sample_rate=8000');
    truncateSync(sound('huge.flac', 'sine=duration=5'), 3 * 1024 ** 3);
    film = readFileSync(makeMedia(join(media, 'film.mp4'), { video: 'testsrc=size=360x360:rate=5:duration=4.4' }));
    host = stack.use(await hostFiles(media));
    server = stack.use(
      await startServer({
        dataDir,
        nodeFlags: INSPECTABLE,
        openFiles: MAX_DESCRIPTORS,
        env: { TMPDIR: temporary, REELVEC_WORKERS: '2' },
      }),
    );
    inspector = stack.use(await Inspector.attach(server));
    const seconds = { segmentation: { strategy: 'fixed', fixed: { duration_sec: 1 } }, embedding_option: ['audio'] };
    large = await createTask(server, asking('audio', { url: `${host.url}/long.flac` }, seconds));
    small = await createTask(
      server,
      asking('audio', { url: `${host.url}/tone.flac` }, { embedding_option: ['audio'] }),
    );
    plainAsset = (await uploadAsset(server, tone, 'tone.flac')).body._id;
    const form = formOf(film, 'film.mp4');
    form.set('enable_thumbnail', 'true');
    const pictured = await call(server, 'POST', '/assets', { body: form });
    thumbnail = await untilReady(pictured.body._id);
    for (const id of [small, large]) await ready(server, id, 200_000);
  });
  after(() => stack.disposeAsync());

  /** @returns the path of its thumbnail, if it has one, with a signature */
  async function untilReady(asset: string): Promise<string> {
    for (;;) {
      const { body } = await call(server, 'GET', `/assets/${asset}`);
      if (body.status !== 'processing') return body.thumbnail?.representative_url?.replace(server.url, '') ?? '';
      await sleep(20);
    }
  }

  /**
   * Hangs up in the middle of a request: after half of its body, after a first piece of the answer, or, `early`, before
   * there is an answer.
   */
  async function hangUp(
    method: string,
    path: string,
    { body, headers = HEADERS, early = false }: { body?: Uint8Array; headers?: object; early?: boolean } = {},
  ): Promise<void> {
    const url = path.startsWith('http') ? path : `${server.url}${path}`;
    const sent = request(url, { method, agent: false, headers: { ...headers } });
    const closed = new Promise<void>((resolve) => sent.once('close', resolve));
    sent.on('error', () => {});
    if (body) {
      sent.setHeader('content-length', body.length);
      sent.write(body.subarray(0, body.length >> 1), () => sent.destroy());
    } else if (early) {
      sent.end(() => sent.destroy());
    } else {
      sent.end();
      sent.once('response', (response) => response.once('data', () => sent.destroy()));
    }
    await closed;
  }

  async function read(path: string, { status = 200, method = 'GET', headers = {} } = {}): Promise<void> {
    const answer = await fetch(`${server.url}${path}`, { method, headers: { ...HEADERS, ...headers } });
    const { length } = await answer.bytes();
    assert.equal(answer.status, status, `${method} ${path} (${length} bytes)`);
  }

  const remove = (path: string) => read(path, { method: 'DELETE', status: 204 });
  const one = <T>(list: readonly T[], round: number) => list[round % list.length]!;
  const audio = (source: object) => asking('audio', source, { embedding_option: ['audio'] });

  const operations: Operation[] = [
    cheap('results are read in every format', async (round) => {
      const wish = one(
        ['json', 'ndjson', 'arrow', 'parquet', 'arrow&embedding_scope=clip', 'json&embeddings=false'],
        round,
      );
      await read(`/embed-v2/tasks/${small}?format=${wish}`);
    }),
    cheap('reads of results are aborted', async (round) => {
      const headers = { ...HEADERS, 'accept-encoding': one(['identity', 'gzip', 'zstd'], round >> 2) };
      // Parquet takes ten times as long as the others.
      const format =
        round % 10 === 0 ? 'parquet' : one(['json', 'ndjson', 'arrow', 'arrow&embedding_scope=clip'], round);
      await hangUp('GET', `/embed-v2/tasks/${large}?format=${format}`, { headers, early: round % 3 === 0 });
    }),
    cheap('tasks are polled and listed', async (round) => {
      const { headers } = await fetch(`${server.url}/embed-v2/tasks/${small}?wait=5`, { headers: HEADERS });
      await read(`/embed-v2/tasks/${small}`, { headers: { 'if-none-match': headers.get('etag')! }, status: 304 });
      await read(`/embed-v2/tasks/${small}?format=${one(['json', 'parquet'], round)}`, { method: 'HEAD' });
      await read(one(['/embed-v2/tasks', '/assets', '/assets/multipart-uploads'], round));
    }),
    cheap('events are followed to the end', async (round) => {
      const again = round % 4 === 0;
      await read(`/embed-v2/tasks/${small}/events`, { method: one(['GET', 'HEAD'], round >> 1) });
      if (again) await read(`/embed-v2/tasks/${small}/events`, { headers: { 'last-event-id': 'end' }, status: 204 });
    }),
    cheap('thumbnails are read in full and in part', async (round) => {
      await read(thumbnail, { method: one(['GET', 'HEAD'], round) });
      await hangUp('GET', thumbnail, { headers: {}, early: round % 2 === 0 });
      await read(thumbnail.replace(/signature=.*/, 'signature=wrong'), { status: 403 });
    }),
    cheap('text is embedded synchronously', async () => {
      const body = { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'a red car' } };
      assert.equal((await call(server, 'POST', '/embed-v2', { body })).status, 200);
    }),
    expensive('uploads and tasks are refused', async (round) => {
      const page = formOf(Buffer.from('<!doctype html><title>no film</title>'.repeat(100)), 'film.mp4');
      assert.equal((await call(server, 'POST', '/assets', { body: page })).status, 400);
      const source = one(
        [
          { url: `${host.url}/huge.flac` },
          { url: `${host.url}/none.flac` },
          { base64_string: 'AAAA' },
          { base64_string: readFileSync(join(media, 'short.flac'), 'base64') },
        ],
        round,
      );
      assert.equal((await call(server, 'POST', '/embed-v2/tasks', { body: audio(source) })).status, 400);
    }),
    cheap('uploads are aborted', async () => {
      const form = new Response(formOf(Buffer.concat([tone, Buffer.alloc(300_000)]), 'tone.flac'));
      const type = form.headers.get('content-type')!;
      await hangUp('POST', '/assets', { body: await form.bytes(), headers: { ...HEADERS, 'content-type': type } });
    }),
    expensive('assets are uploaded and deleted', async (round) => {
      const form = round % 2 === 0 ? formOf(tone, 'tone.flac') : formOf(film, 'film.mp4');
      form.set('enable_thumbnail', String(round % 2 === 1));
      const { status, body, text } = await call(server, 'POST', '/assets', { body: form });
      assert.equal(status, 201, text);
      await untilReady(body._id);
      await remove(`/assets/${body._id}`);
    }),
    expensive('assets are fetched by URL, good and bad ones', async (round) => {
      const url = `${host.url}/${one(['tone.flac', 'film.mp4'], round)}`;
      const form = new FormData();
      form.set('method', 'url');
      form.set('url', url);
      const { status, body, text } = await call(server, 'POST', '/assets', { body: form });
      assert.equal(status, 201, text);
      await untilReady(body._id);
      await remove(`/assets/${body._id}`);
    }),
    expensive('assets are uploaded in chunks, one of them twice', async () => {
      // Differs from the others, so that it is stored.
      const bytes = Buffer.concat([film, Buffer.alloc(300_000)]);
      const body = { filename: 'film.mp4', type: 'video', total_size: bytes.length };
      const { body: session } = await call(server, 'POST', '/assets/multipart-uploads', { body });
      const { url } = session.upload_urls[0];
      await hangUp('PUT', url, { body: bytes, headers: {} });
      const { status, headers } = await fetch(url, { method: 'PUT', body: bytes });
      assert.equal(
        status,
        200,
        'the chunk is stored, whether the server notices the first attempt before it or after it',
      );
      const proof = { proof: headers.get('etag'), proof_type: 'etag', chunk_size: bytes.length };
      const report = { body: { completed_chunks: [{ chunk_index: 1, ...proof }] } };
      assert.equal((await call(server, 'POST', `/assets/multipart-uploads/${session.upload_id}`, report)).status, 200);
      await untilReady(session.asset_id);
      await remove(`/assets/${session.asset_id}`);
    }),
    expensive('tasks are deleted while they run', async (round) => {
      const id = await createTask(server, audio({ url: `${host.url}/long.flac` }));
      const signal = AbortSignal.timeout(one([1, 20, 200], round));
      await fetch(`${server.url}/embed-v2/tasks/${id}?wait=60`, { headers: HEADERS, signal }).catch(() => {});
      await remove(`/embed-v2/tasks/${id}`);
    }),
    expensive('tasks fail', async () => {
      const id = await createTask(server, audio({ url: `${host.url}/short.flac` }));
      assert.equal((await ended(server, id)).status, 'failed');
    }),
    expensive('sound is embedded synchronously', async (round) => {
      const source = one([{ base64_string: tone.toString('base64') }, { asset_id: plainAsset }], round);
      assert.equal((await call(server, 'POST', '/embed-v2', { body: audio(source) })).status, 200);
    }),
    // Last, so that all media workers run when listeners are counted.
    expensive('tasks are created, followed, read and deleted', async (round) => {
      const source = one(
        [{ base64_string: tone.toString('base64') }, { url: `${host.url}/tone.flac` }, { asset_id: plainAsset }],
        round,
      );
      const id = await createTask(server, audio(source));
      if (round % 2 === 0) await hangUp('GET', `/embed-v2/tasks/${id}/events`, { early: round % 4 === 0 });
      await ready(server, id);
      await remove(`/embed-v2/tasks/${id}`);
    }),
  ];

  /** Operations since the first count of objects. */
  let done = 0;

  async function repeat({ run }: Operation, rounds: number): Promise<void> {
    let round = 0;
    const worker = async () => {
      while (round < rounds) await run(round++);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }

  /** Waits until the counts are back at their start values: cleanup after an answer takes a while. */
  async function settles(before: Counts, now: () => Counts | Promise<Counts>, allowed: number): Promise<void> {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const grown = growth(before, await now(), allowed);
      if (grown.length === 0) return;
      assert.ok(performance.now() < deadline, `more than before:\n${grown.join('\n')}`);
      await sleep(500);
    }
  }

  const files = () => countFiles(server.pid, folders);
  const resources = () => countResources(inspector);
  let first: { objects: Counts; memoryBytes: number };
  before(async () => {
    for (const operation of operations) {
      await repeat(operation, CONCURRENCY * 2).catch((cause) => {
        throw new Error(`The first rounds failed: ${operation.name}`, { cause });
      });
    }
    await sleep(1000);
    first = { objects: await countObjects(inspector), memoryBytes: await memoryInUse(inspector) };
  });

  for (const operation of operations) {
    test(`${operation.name}: no descriptor, file or timer is left`, async (t) => {
      const held = { files: files(), resources: await resources() };
      const started = performance.now();
      await repeat(operation, operation.rounds);
      done += operation.rounds;
      t.diagnostic(`${((performance.now() - started) / operation.rounds).toFixed(0)} ms each`);
      await settles(held.files, files, ALLOWED_RESOURCES);
      await settles(held.resources, resources, ALLOWED_RESOURCES);
    });
  }

  test('the number of listeners, signals and promises, and the memory, have not grown', async (t) => {
    await settles(first.objects, () => countObjects(inspector), ALLOWED_OBJECTS);
    const grownBytes = (await memoryInUse(inspector)) - first.memoryBytes;
    t.diagnostic(`${done} operations: ${(grownBytes / 1024 ** 2).toFixed(1)} MB more`);
    assert.ok(grownBytes < ALLOWED_BYTES + ALLOWED_BYTES_PER_OPERATION * done, `${grownBytes} bytes more`);
    assert.equal((await call(server, 'GET', '//readyz')).status, 200);
  });
});

function cheap(name: string, run: Operation['run']): Operation {
  return { name, run, rounds: ROUNDS ?? CHEAP_ROUNDS };
}

function expensive(name: string, run: Operation['run']): Operation {
  return { name, run, rounds: ROUNDS ?? EXPENSIVE_ROUNDS };
}

function formOf(content: Uint8Array<ArrayBuffer>, filename: string): FormData {
  const form = new FormData();
  form.set('method', 'direct');
  form.set('file', new Blob([content]), filename);
  return form;
}
