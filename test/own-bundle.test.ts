import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { type InferenceServer, startInferenceServer } from './support/inference-server.ts';
import { makeMedia } from './support/make-media.ts';
import { TINY_VIT, visionModel } from './support/onnx/models.ts';
import {
  childrenOf,
  processesWith,
  type RunningServer,
  startServer,
  temporaryFolder,
  until,
} from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';
import { writeWhisperModel } from './support/whisper-model.ts';
import { environmentOf, hasInMemory } from './support/workers.ts';

interface Item {
  readonly embedding: number[];
  readonly embedding_option: string;
  readonly embedding_scope: string;
  readonly start_sec: number;
  readonly end_sec: number;
}

/** whisper.cpp's own test model, not part of reelvec: slow, and its output is always empty. */
const EMPTY_MODEL = resolve(import.meta.dirname, '../../shared/models/for-tests-ggml-tiny.bin');
const SECRET = 'Bearer of-the-inference-server';

/** A custom bundle: pictures go to an inference server, Whisper transcribes, the rest is built in. */
function writeBundle(path: string, speechFile: string): string {
  const { image: side } = TINY_VIT;
  const bundle = {
    name: 'mine',
    revision: '1',
    can: 'Tests.',
    cannot: 'Anything else.',
    licence: 'none',
    expect: { memoryMb: 512, speed: 'Fast.' },
    sources: { speech: { folder: dirname(speechFile), files: { [basename(speechFile)]: {} } } },
    visual: {
      kind: 'inference-server',
      model: 'vision',
      batch: 4,
      space: 'mine/visual',
      input: 'pixel_values',
      output: { name: 'image_embeds' },
      pictures: {
        perSecond: 2,
        width: side,
        height: side,
        fit: 'cover',
        filter: 'bicubic',
        mean: [0.48, 0.46, 0.41],
        deviation: [0.27, 0.26, 0.28],
      },
    },
    audio: { kind: 'signal' },
    transcription: { kind: 'signal' },
    speech: { kind: 'whisper', file: `speech/${basename(speechFile)}` },
  };
  writeFileSync(path, JSON.stringify(bundle));
  return path;
}

describe('a custom bundle', () => {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const inference: InferenceServer[] = [];
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let server: RunningServer;
  let env: Record<string, string>;

  before(async () => {
    mkdirSync(path('media'));
    mkdirSync(path('models'));
    const audio = 'sine=frequency=300:duration=24';
    const video = 'testsrc=size=640x360:rate=12:duration=24';
    const subtitles = [{ startSec: 1, endSec: 3, text: 'written by hand' }];
    makeMedia(path('media/film.mkv'), { video, audio });
    makeMedia(path('media/titled.mkv'), { video, audio, subtitles });
    makeMedia(path('media/silent.mkv'), { video, audio: 'anullsrc=r=48000:cl=mono:d=24' });
    makeMedia(path('media/mute.mkv'), { video });
    makeMedia(path('media/short.flac'), { audio: 'sine=frequency=300:duration=5', audioCodec: FF_ENCODER_FLAC });
    const speech = writeWhisperModel(path('models/says.bin'), [
      { startSec: 0, endSec: 6, words: ['whatever', 'it', 'hears'] },
      { startSec: 6, endSec: 12, words: ['that', 'is', 'said'] },
    ]);
    const models = { vision: visionModel(TINY_VIT) };
    for (let i = 0; i < 2; i++) inference.push(await startInferenceServer({ models }));
    host = await hostFiles(path('media'));
    env = {
      REELVEC_BUNDLE: writeBundle(path('models/mine.json'), speech),
      REELVEC_INFERENCE_URLS: inference.map(({ url }) => url).join(','),
      REELVEC_INFERENCE_AUTHORIZATION: SECRET,
      REELVEC_INFERENCE_PATIENCE_SEC: '1',
    };
    server = await startServer({ dataDir: path('data'), env });
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    for (const each of inference) await each.stop();
    folder[Symbol.dispose]();
  });

  const ask = (file: string, overrides: object = {}) =>
    createTask(
      server,
      asking(
        'video',
        { url: `${host.url}/${file}` },
        { segmentation: { strategy: 'fixed', fixed: { duration_sec: 6 } }, ...overrides },
      ),
    );
  const itemsOf = ({ data }: { data: string }) => (JSON.parse(`{${data}`) as { data: Item[] }).data;
  const clipsOf = (items: Item[], option: string) =>
    items.filter((item) => item.embedding_option === option && item.embedding_scope === 'clip');
  const metadataOf = async (id: string) => (await call(server, 'GET', `/embed-v2/tasks/${id}`)).body.metadata;

  test('speech is transcribed without a text track, and the answer says so', async () => {
    const id = await ask('film.mkv');
    const task = await ready(server, id);
    const items = itemsOf(task);
    assert.deepEqual(task.warnings, []);
    const metadata = await metadataOf(id);
    assert.equal(metadata.transcription_source, 'speech');
    assert.match(metadata.bundle, /^mine@1-/);
    for (const option of ['visual', 'audio', 'transcription']) assert.equal(clipsOf(items, option).length, 4, option);
    // The model's output repeats every twelve seconds.
    const [first, second, third] = clipsOf(items, 'transcription').map(({ embedding }) => JSON.stringify(embedding));
    assert.ok(first === third && first !== second);
  });

  test('a text track takes precedence over speech, and the answer says so', async () => {
    const id = await ask('titled.mkv', { embedding_option: ['transcription'] });
    const items = itemsOf(await ready(server, id));
    assert.equal((await metadataOf(id)).transcription_source, 'subtitles');
    assert.deepEqual(
      clipsOf(items, 'transcription').map(({ start_sec }) => start_sec),
      [0],
    );
  });

  test('silence has no words; media without sound has no transcription', async () => {
    const silent = await ask('silent.mkv');
    const { data, warnings } = await ready(server, silent);
    assert.equal(itemsOf({ data }).filter((item) => item.embedding_option === 'transcription').length, 0);
    assert.ok(
      warnings.some((warning) => /transcription/.test(warning)),
      warnings.join(),
    );
    const mute = await ask('mute.mkv');
    const muted = await ready(server, mute);
    assert.ok(
      muted.warnings.some((warning) => /neither a text track.*nor sound/.test(warning)),
      muted.warnings.join(),
    );
    assert.equal((await metadataOf(mute)).transcription_source, undefined);
  });

  test('the command line gives the vectors of the server', async () => {
    const served = itemsOf(await ready(server, await ask('film.mkv')));
    const command = await reelvec(['embed', path('media/film.mkv'), '--segmentation', 'fixed:6'], { env });
    assert.equal(command.code, 0, command.stderr);
    const { data, metadata } = JSON.parse(command.stdout.toString()) as {
      data: Item[];
      metadata: Record<string, unknown>;
    };
    assert.equal(metadata['transcription_source'], 'speech');
    assert.ok(JSON.stringify(data) === JSON.stringify(served), 'vectors differ');
  });

  test('work continues without one of two inference servers, and waits without both', async () => {
    const [one, two] = inference as [InferenceServer, InferenceServer];
    await two.stop();
    const before = itemsOf(await ready(server, await ask('film.mkv')));
    await one.stop();
    const waiting = await ask('film.mkv');
    await until(() => /No inference server answered within 1 s/.test(server.output()), 30_000, 'the outage is told');
    assert.equal((await call(server, 'GET', `/embed-v2/tasks/${waiting}`)).body.status, 'processing');
    const models = { vision: visionModel(TINY_VIT) };
    inference.splice(0, 1, await startInferenceServer({ models, port: one.port }));
    const items = itemsOf(await ready(server, waiting, 120_000));
    assert.ok(JSON.stringify(items) === JSON.stringify(before), 'vectors differ');
  });

  test('a bundle that does not match the inference servers, or has none, does not start', async () => {
    const bundle = JSON.parse(readFileSync(env['REELVEC_BUNDLE']!, 'utf8'));
    bundle.visual.output.name = 'nothing';
    writeFileSync(path('models/wrong.json'), JSON.stringify(bundle));
    const wrong = { ...env, REELVEC_BUNDLE: path('models/wrong.json'), REELVEC_DATA_DIR: path('other') };
    const start = (settings: object) => reelvec(['serve'], { env: { ...wrong, REELVEC_PORT: '0', ...settings } });
    const misfit = await start({});
    assert.equal(misfit.code, 2);
    assert.match(misfit.stderr, /model vision on the inference server: It has no output "nothing", but image_embeds/);
    const nowhere = await start({ REELVEC_INFERENCE_URLS: '' });
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /Set REELVEC_INFERENCE_URLS/);
  });

  test('a server with a private certificate is trusted if configured, and otherwise unreachable', async (t) => {
    const [key, cert] = [path('key.pem'), path('cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ]);
    if (made.status !== 0) return t.skip('there is no openssl to make a certificate with');
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    await using secure = await startInferenceServer({ models: { vision: visionModel(TINY_VIT) }, tls });
    const how = ['embed', path('media/mute.mkv'), '--segmentation', 'fixed:6', '--option', 'visual'];
    const embed = (settings: object) =>
      reelvec(how, {
        env: { ...env, REELVEC_INFERENCE_URLS: secure.url, REELVEC_INFERENCE_PATIENCE_SEC: '0', ...settings },
      });
    const strange = await embed({});
    assert.equal(strange.code, 1);
    assert.match(strange.stderr, /reelvec: No inference server answered.*self-signed certificate/);
    assert.doesNotMatch(strange.stderr, /\.ts:/);
    const known = await embed({ NODE_EXTRA_CA_CERTS: cert });
    assert.equal(known.code, 0, known.stderr);
    assert.ok(secure.answered.length > 0);
  });

  test('the authorization of inference servers is in no arguments and environment, and only in workers that embed', {
    skip: process.platform !== 'linux' && 'reads /proc',
  }, async () => {
    assert.equal(inference[0]!.headers.authorization, SECRET);
    assert.deepEqual(processesWith(SECRET, { in: ['cmdline'] }), []);
    const workers = childrenOf(server.pid);
    for (const pid of workers) assert.ok(!environmentOf(pid).join().includes(SECRET));
    const knowing = workers.filter((pid) => hasInMemory(pid, SECRET));
    assert.ok(knowing.length > 0 && knowing.length < workers.length, `${knowing.length} of ${workers.length} know it`);
  });

  test('a transcription longer than the stall timeout does not kill the worker', {
    skip: !existsSync(EMPTY_MODEL) && `there is no ${EMPTY_MODEL}`,
  }, async () => {
    makeMedia(path('long.flac'), { audio: 'sine=frequency=880:duration=100', audioCodec: FF_ENCODER_FLAC });
    const started = performance.now();
    const command = await reelvec(['embed', path('long.flac'), '--option', 'audio', '--option', 'transcription'], {
      env: { ...env, REELVEC_BUNDLE: writeBundle(path('empty.json'), EMPTY_MODEL), REELVEC_WORKER_SILENCE_SEC: '3' },
    });
    assert.equal(command.code, 0, command.stderr);
    assert.ok(performance.now() - started > 6000, 'it did not listen for so long');
    const { data, metadata } = JSON.parse(command.stdout.toString()) as {
      data: Item[];
      metadata: Record<string, unknown>;
    };
    assert.equal(metadata['transcription_source'], 'speech');
    assert.equal(clipsOf(data, 'audio').length, 17);
  });
});
