import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, CONFIGURED_KEY, openTestApp, type TestApp } from '../../../test/support/app.ts';
import { ReelvecError } from '../../errors.ts';
import type { QueryService } from '../../queries/service.ts';
import { createdEmbedding } from './schemas.ts';

type Media = QueryService['media'];

const headers = { 'x-api-key': CONFIGURED_KEY };
const EMBEDDING = Float32Array.from({ length: 512 }, (_, i) => Number(i === 7));

/** An app whose query service answers with a vector of the whole range, and the queries it got. */
async function open({
  limits = {},
  media,
}: {
  limits?: { tasks?: number; minutesPerDay?: number };
  media?: Media;
} = {}) {
  const queries: Parameters<Media>[0][] = [];
  const events: string[] = [];
  const answer: Media = async (query) => {
    queries.push(query);
    return {
      request: { ...query.request, filename: 'song.flac' },
      media: AUDIO,
      range: { startSec: 1, endSec: 9 },
      warnings: ['It is quiet.'],
      async *rows() {
        events.push('read');
        const { startSec, endSec } = { startSec: 1, endSec: 9 };
        yield [{ segment: 0, startSec, endSec, option: 'audio', scope: 'clip', embedding: EMBEDDING } as const];
      },
      [Symbol.asyncDispose]: async () => void events.push('released'),
    } as unknown as Awaited<ReturnType<Media>>;
  };
  const t = await openTestApp(
    (deps) => ({ ...deps, queries: Object.assign(deps.queries, { media: media ?? answer }) }),
    { limits },
  );
  return { t, queries, events, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

function post({ app }: TestApp, fields: object = {}, { type = 'audio', query = '' } = {}) {
  const media = { media_source: { url: 'https://media.test/song.flac' }, ...fields };
  const payload = { input_type: type, model_name: 'marengo3.0', [type]: media };
  return app.inject({ method: 'POST', url: `/v1.3/embed-v2${query}`, headers, payload });
}

test('audio is answered with its vectors, what was embedded, and what could not be done', async () => {
  await using made = await open();
  const response = await post(made.t, { start_sec: 1, embedding_option: ['audio'] });
  assert.equal(response.statusCode, 200, response.body);
  assert.equal(response.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(response.headers['reelvec-bundle'], 'signal@1');
  const { data, metadata, warnings } = createdEmbedding.parse(response.json());
  assert.deepEqual(warnings, ['It is quiet.']);
  assert.deepEqual(metadata, {
    input_type: 'audio',
    input_url: 'https://media.test/song.flac',
    input_filename: 'song.flac',
    embedding_scopes: ['clip', 'asset'],
    embedding_options: ['audio'],
    duration: 30,
    start_offset_sec: 1,
    end_offset_sec: 9,
    bundle: 'signal@1',
  });
  const [{ embedding, ...item }] = data as [(typeof data)[number]];
  assert.deepEqual(item, { embedding_option: 'audio', embedding_scope: 'clip', start_sec: 1, end_sec: 9 });
  assert.deepEqual(embedding, [...EMBEDDING]);
  assert.deepEqual(made.events, ['read', 'released'], 'the files are removed once they were read');
});

test('each kind of source and type reaches the service', async () => {
  await using made = await open();
  await post(made.t, {}, { type: 'video' });
  await post(made.t, { media_source: { asset_id: 'a1' } });
  await post(made.t, { media_source: { base64_string: 'AAAA' } });
  assert.deepEqual(
    made.queries.map(({ request, source }) => [request.inputType, source]),
    [
      ['video', { kind: 'url', url: 'https://media.test/song.flac' }],
      ['audio', { kind: 'asset', assetId: 'a1' }],
      ['audio', { kind: 'base64', base64: 'AAAA' }],
    ],
  );
});

test('a key with limits is told how much is left of them, one without is not', async () => {
  await using limited = await open({ limits: { minutesPerDay: 2 } });
  const { headers: told } = await post(limited.t);
  assert.deepEqual([told['x-ratelimit-dimensions'], told['x-ratelimit-duration-limit']], ['Duration', '120']);
  await using free = await open();
  assert.equal((await post(free.t)).headers['x-ratelimit-dimensions'], undefined);
});

test('media has no spaces, and a refused query leaves nothing open', async () => {
  const gone = async () => {
    throw new ReelvecError('audio_file_broken', 'It is broken.');
  };
  await using made = await open({ media: gone });
  const space = await post(made.t, {}, { query: '?space=visual' });
  assert.deepEqual([space.statusCode, space.json().details], [400, { field: 'space' }]);
  assert.match(space.json().message, /the vectors of audio are told apart by embedding_option/);
  const broken = await post(made.t);
  assert.deepEqual([broken.statusCode, broken.json().code], [400, 'audio_file_broken']);
});

test('a client that has hung up meanwhile holds no files', async () => {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let read = false;
  const slow: Media = async () => {
    ask();
    await answered;
    return {
      rows: () => {
        read = true;
      },
      [Symbol.asyncDispose]: async () => released.resolve(),
    } as never;
  };
  await using made = await open({ media: slow });
  const base = await made.t.app.listen();
  const hangUp = new AbortController();
  const body = JSON.stringify({
    input_type: 'audio',
    model_name: 'marengo3.0',
    audio: { media_source: { url: 'https://media.test/a' } },
  });
  const type = { 'content-type': 'application/json' };
  const request = fetch(`${base}/v1.3/embed-v2`, {
    method: 'POST',
    headers: { ...headers, ...type },
    body,
    signal: hangUp.signal,
  });
  await asked;
  hangUp.abort();
  await assert.rejects(request);
  while (!made.t.log.some(({ hungUp }) => hungUp)) await new Promise((next) => setTimeout(next, 5));
  resolve();
  await released.promise;
  assert.equal(read, false);
});

test('a request for vectors of another bundle is refused before anything is embedded', async () => {
  await using made = await open();
  const other = `other@${'9'.repeat(200)}`;
  const response = await post(made.t, {}, { query: `?bundle=${other}` });
  assert.deepEqual([response.statusCode, response.json().code], [409, 'conflict']);
  assert.deepEqual(response.json().details, { field: 'bundle', value: other.slice(0, 100), allowed: ['signal@1'] });
  assert.ok(response.json().message.includes(`of ${other.slice(0, 100)}. Embed`));
  assert.deepEqual(made.queries, []);
  assert.equal((await post(made.t, {}, { query: '?bundle=signal@1' })).statusCode, 200);
});
