import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import sharp from 'sharp';
import type { TwelveLabs } from 'twelvelabs-js';
import { hostFiles } from './support/file-host.ts';
import { loopMedia } from './support/loop-media.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { sdk, untilAssetDone, untilDone } from './support/sdk.ts';
import { KEY, type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from './support/tasks.ts';
import { workersReading } from './support/workers.ts';

/** Time limit for the cleanup after a disconnect. */
const FREED_MS = 2000;

describe('synchronous embedding of video and audio', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let client: TwelveLabs;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let folder: string;
  let scratch: string;
  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    const dataDir = stack.use(temporaryFolder()).path;
    scratch = join(dataDir, 'scratch');
    makeMedia(join(folder, 'film.mkv'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'cellauto'], { secondsEach: 3 }),
      audio: 'aevalsrc=0.4*sin(2*PI*(300+60*t)*t):d=12',
      subtitles: [
        { startSec: 1, endSec: 2.5, text: 'The lighthouse keeper counts the ships' },
        { startSec: 7, endSec: 8, text: 'Bread and butter for breakfast' },
      ],
    });
    makeMedia(join(folder, 'sound.flac'), {
      audio: 'aevalsrc=0.4*sin(2*PI*(300+60*t)*t):d=9',
      audioCodec: FF_ENCODER_FLAC,
    });
    makeMedia(join(folder, 'long.flac'), { audio: 'sine=frequency=300:d=620', audioCodec: FF_ENCODER_FLAC });
    const round = makeMedia(join(folder, 'round.mp4'), { video: 'testsrc=size=1280x720:rate=25:duration=2' });
    loopMedia(join(folder, 'nine-minutes.mp4'), { of: round, times: 270, everySec: 2 });
    host = stack.use(await hostFiles(folder));
    server = stack.use(await startServer({ dataDir, env: { REELVEC_WORKERS: '1' } }));
    client = sdk(server.url);
  });
  after(() => stack.disposeAsync());

  const path = (name: string) => join(folder, name);
  const create = (request: Parameters<typeof client.embed.v2.create>[0]) => client.embed.v2.create(request);
  const post = (body: object) => call(server, 'POST', '/embed-v2', { body });
  const left = () => readdirSync(scratch);

  for (const how of ['url', 'base64', 'asset'] as const) {
    test(`video and audio by ${how}: the same bytes as a task`, async () => {
      const mediaSource = async (name: string) => {
        if (how === 'url') return { url: `${host.url}/${name}` };
        if (how === 'base64') return { base64_string: readFileSync(path(name)).toString('base64') };
        const asset = await client.assets.create({ method: 'url', url: `${host.url}/${name}` });
        await untilAssetDone(client, asset.id!);
        return { asset_id: asset.id };
      };
      const bodies = [
        asking('video', await mediaSource('film.mkv')),
        asking('video', await mediaSource('film.mkv'), { start_sec: 1, end_sec: 9.5, embedding_option: 'visual' }),
        asking('audio', await mediaSource('sound.flac'), { embedding_option: ['audio'], embedding_scope: 'clip' }),
      ];
      for (const body of bodies) {
        const answer = await post(body);
        assert.equal(answer.status, 200, answer.text.slice(0, 500));
        const task = await ready(server, await createTask(server, body));
        assert.ok(answer.text.slice(answer.text.indexOf('"data":')) === task.data, 'the same bytes');
        assert.deepEqual(answer.body.warnings, task.warnings);
      }
      assert.deepEqual(left(), []);
    });
  }

  test('the SDK reads audio and video with their metadata, as from a task', async () => {
    const mediaSource = { url: `${host.url}/film.mkv` };
    const request = {
      modelName: 'marengo3.0' as const,
      inputType: 'video' as const,
      video: { mediaSource, segmentation: { strategy: 'fixed' as const, fixed: { durationSec: 2 } } },
    };
    const answer = await create(request);
    const { id } = await client.embed.v2.tasks.create(request);
    const task = await untilDone(client, id!);
    assert.deepEqual(answer.data, task.data);
    assert.deepEqual(answer.metadata, task.metadata);
    const sound = { mediaSource: { url: `${host.url}/sound.flac` }, embeddingOption: ['audio' as const] };
    const audio = await create({ inputType: 'audio', modelName: 'marengo3.0', audio: sound });
    assert.equal(audio.metadata?.inputType, 'audio');
    assert.equal(audio.data.length, 3, 'two segments and the asset');
  });

  test('a request over a limit is refused with the limit', async () => {
    const { status, body } = await post(asking('audio', { url: `${host.url}/long.flac` }));
    assert.equal(status, 400);
    assert.equal(body.code, 'audio_duration_too_long');
    assert.match(body.message, /lasts 6\d\d\.?\d* s; allowed are at most 10 min/);
    const image = (media_source: object) => ({
      input_type: 'image',
      model_name: 'marengo3.0',
      image: { media_source },
    });
    const film = await post(image({ url: `${host.url}/film.mkv` }));
    assert.match(film.body.message, /is video\/x-matroska; an image may be JPEG, PNG, WebP or AVIF/);
    const small = await sharp({ create: { width: 127, height: 300, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const tooSmall = await post(image({ base64_string: small.toString('base64') }));
    assert.equal(tooSmall.body.code, 'image_resolution_too_low');
    const nothing = await post(image({ url: `${host.url}/nothing.png` }));
    assert.equal(nothing.body.code, 'source_unreachable');
    const unknown = await post(image({ asset_id: '000000000000000000000000' }));
    assert.equal(unknown.status, 400);
    assert.equal(unknown.body.code, 'resource_not_exist');
    const sound = await uploadAsset(server, readFileSync(path('sound.flac')), 'sound.flac');
    const noImage = await post(image({ asset_id: sound.body._id }));
    assert.equal(noImage.status, 400);
    assert.match(noImage.body.message, /is audio\/flac; an image may be/);
    assert.deepEqual(left(), []);
  });

  test('text queries are answered while a long task and a video of nine minutes occupy the workers', async () => {
    const body = { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'ships' } };
    // The first one starts the worker.
    assert.equal((await post(body)).status, 200);
    const long = asking('video', { url: `${host.url}/nine-minutes.mp4` });
    const task = await createTask(server, long);
    const gone = new AbortController();
    const busy = hanging(server, long, gone.signal);
    try {
      await until(() => workersReading(server, scratch).length > 0, 30_000, 'the video is being embedded');
      for (let i = 0; i < 5; i++) {
        const started = performance.now();
        assert.equal((await post(body)).status, 200);
        const ms = performance.now() - started;
        assert.ok(ms < 1000, `answered after ${ms} ms`);
      }
    } finally {
      gone.abort();
      await busy;
      await call(server, 'DELETE', `/embed-v2/tasks/${task}`);
    }
  });

  test('a disconnect frees the worker and the disk within 2 s', async () => {
    for (const waitMs of [0, 100, 400, 1500]) {
      const gone = new AbortController();
      const request = hanging(server, asking('video', { url: `${host.url}/nine-minutes.mp4` }), gone.signal);
      if (waitMs > 1000) await until(() => workersReading(server, scratch).length > 0, 30_000, 'it is being embedded');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      gone.abort();
      await request;
      await until(() => workersReading(server, scratch).length === 0 && left().length === 0, FREED_MS, 'freed');
    }
  });

  test('a server that stops answers pending requests with 503, leaves no file, and exits at once', async () => {
    const body = asking('video', { url: `${host.url}/nine-minutes.mp4` });
    const waiting = fetch(`${server.url}/embed-v2`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await until(() => workersReading(server, scratch).length > 0, 30_000, 'it is being embedded');
    const started = performance.now();
    const stopped = server.stop();
    const answer = await waiting;
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.has('retry-after'));
    assert.equal(await stopped, 0);
    // The body was refused: the server does not wait for a client that keeps its end of the connection open.
    assert.ok(performance.now() - started < 8000);
    assert.deepEqual(left(), []);
    assert.doesNotMatch(server.output(), /Warning|Deprecat/);
  });
});

/** Sends a request and waits for its end, success or failure. */
async function hanging({ url }: RunningServer, body: object, signal: AbortSignal): Promise<void> {
  const headers = { 'x-api-key': KEY, 'content-type': 'application/json' };
  await fetch(`${url}/embed-v2`, { method: 'POST', headers, body: JSON.stringify(body), signal }).catch(() => {});
}
