import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkEmbeddings } from './support/embeddings.ts';
import { hostFiles } from './support/file-host.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { bundleFixture, testModels, writeBundle } from './support/model-bundle.ts';
import { ModelHub, sha256 } from './support/model-hub.ts';
import { audioModel, projectionModel, TINY_VIT, textModel, visionModel } from './support/onnx/models.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready } from './support/tasks.ts';

const REVISION = 'abcdef0123456789abcdef0123456789abcdef01';
const CLI = join(import.meta.dirname, '../src/cli.ts');
const SECONDS = 9;

/** Life cycle of a server with models. The tests build on each other. */
describe('a server with a bundle of models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-bundles-'));
  const modelsDir = join(folder, 'models');
  const stack = new AsyncDisposableStack();
  let hub: ModelHub;
  let bundle: string;
  let film: object;
  let server: RunningServer;
  let dataDir: string;
  let env: Record<string, string>;
  /** `data` of a fixed task on a given server. */
  let vectors: string;

  before(async () => {
    hub = stack.use(await ModelHub.start());
    hub.add('acme/tiny', REVISION, testModels());
    hub.token = 'hf_test';
    bundle = await writeBundle(folder, bundleFixture({ repo: 'acme/tiny', revision: REVISION, licence: 'MIT' }));
    makeMedia(join(folder, 'film.mkv'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot'], { secondsEach: 3 }),
      audio: `aevalsrc=sin(880*t*t):duration=${SECONDS}`,
      subtitles: [
        { startSec: 0.5, endSec: 2, text: 'the red car' },
        { startSec: 4, endSec: 5, text: 'the sound of rain' },
      ],
    });
    const host = stack.use(await hostFiles(folder));
    film = asking(
      'video',
      { url: `${host.url}/film.mkv` },
      { segmentation: { strategy: 'fixed', fixed: { duration_sec: 3 } } },
    );
    dataDir = stack.use(temporaryFolder()).path;
    env = { REELVEC_BUNDLE: bundle, REELVEC_MODELS_DIR: modelsDir, HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_test' };
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const embed = async (on: RunningServer) => {
    const id = await createTask(on, film);
    return { id, ...(await ready(on, id)) };
  };

  test('does not start without the files, and names the command to run', async () => {
    await assert.rejects(startServer({ dataDir, env }), /ended with 2[\s\S]*are not ready[\s\S]*reelvec models pull/);
  });

  test('`reelvec models pull` downloads them', async () => {
    const { stdout } = await command(['models', 'pull', bundle], env);
    assert.match(stdout, /6 files downloaded/);
    assert.match((await command(['models', 'verify', bundle], env)).stdout, /(^good .*\n){6}/m);
  });

  test('reports their device at startup and in /readyz', async () => {
    server = await startServer({ dataDir, env: { ...env, HF_HUB_OFFLINE: '1', REELVEC_WORKERS: '2' } });
    assert.match(server.output(), /device {3}cpu, \d+ threads a worker/);
    const { body } = await call(server, 'GET', '//readyz');
    assert.equal(body.device, 'cpu');
    assert.match(body.bundle, /^tiny@1-[0-9a-f]{8}$/);
  });

  test('gives vectors of pictures, sound and text, with the name of the bundle', async () => {
    const task = await embed(server);
    vectors = task.data;
    const { body } = await call(server, 'GET', `/embed-v2/tasks/${task.id}`);
    assert.match(body.metadata.bundle, /^tiny@1-[0-9a-f]{8}$/);
    const items = body.data.map((item: Record<string, unknown>) => ({
      embedding: item['embedding'],
      embeddingOption: item['embedding_option'],
      embeddingScope: item['embedding_scope'],
      startSec: item['start_sec'],
      endSec: item['end_sec'],
    }));
    const heardAndSeen = items.filter((item: { embeddingOption: string }) => item.embeddingOption !== 'transcription');
    const { segments } = checkEmbeddings(heardAndSeen, {
      options: ['visual', 'audio'],
      endSec: body.metadata.duration,
    });
    assert.equal(segments.length, 3);
    assert.equal(
      items.filter((item: { embeddingOption: string }) => item.embeddingOption === 'transcription').length,
      3,
    );
  });

  test('gives the same bytes after a restart, with other workers and threads, and from the command line', async () => {
    await server.stop();
    server = await startServer({ dataDir, env: { ...env, REELVEC_WORKERS: '1' } });
    assert.ok((await embed(server)).data === vectors, 'the same bytes');
    const { stdout } = await command(['embed', join(folder, 'film.mkv'), '--segmentation', 'fixed:3'], env);
    assert.deepEqual(JSON.parse(stdout).data, JSON.parse(`{${vectors.slice(0, vectors.lastIndexOf(']') + 1)}}`).data);
  });

  test('fails a task of another bundle with the reason', async () => {
    const id = await createTask(server, film);
    await server.kill();
    server = await startServer({ dataDir, env: { ...env, REELVEC_BUNDLE: 'signal' } });
    const task = await ended(server, id);
    assert.equal(task.status, 'failed');
    assert.match(task.error!.message, /made for the bundle tiny@1-\w+, and the server now works with signal@/);
  });

  test('omits options without an encoder, and refuses a request with no others', async () => {
    await server.stop();
    const changed = bundleFixture({ repo: 'acme/tiny', revision: REVISION, licence: 'MIT' });
    const { audio: _, ...rest } = { ...changed, name: 'deaf' };
    const deaf = join(folder, 'deaf.json');
    writeFileSync(deaf, JSON.stringify(rest));
    server = await startServer({ dataDir, env: { ...env, REELVEC_BUNDLE: deaf } });
    const refused = await call(server, 'POST', '/embed-v2/tasks', {
      body: asking('video', { url: 'http://127.0.0.1:9/film.mkv' }, { embedding_option: ['audio'] }),
    });
    assert.equal(refused.status, 400);
    assert.match(refused.body.message, /"deaf" has encoders for visual and transcription only/);
    const task = await embed(server);
    assert.ok(
      task.warnings.some((warning) => /"deaf" has no encoder for it: there are no audio embeddings/.test(warning)),
    );
    assert.ok(!task.data.includes('"embedding_option":"audio"'));
  });

  test('does not start with a modified model', async () => {
    await server.stop();
    const path = join(modelsDir, 'acme/tiny', REVISION, 'vision.onnx');
    const content = readFileSync(path);
    content[content.length - 100]! ^= 1;
    writeFileSync(path, content);
    await assert.rejects(startServer({ dataDir, env }), /damaged: .*vision\.onnx[\s\S]*reelvec models pull/);
    const verified = await command(['models', 'verify', bundle], env);
    assert.equal(verified.code, 1);
    assert.match(verified.stdout, /^damaged .*vision\.onnx$/m);
  });

  test('downloads missing and damaged files at startup if configured', async () => {
    server = await startServer({ dataDir, env: { ...env, REELVEC_MODELS_AUTOPULL: '1' } });
    assert.ok((await embed(server)).data === vectors, 'the same bytes');
  });

  test('does not start with a missing device instead of falling back to another', async () => {
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
    const other = { dataDir: stack.use(temporaryFolder()).path, env: { ...env, REELVEC_DEVICE: absent } };
    await assert.rejects(
      startServer(other),
      new RegExp(`ended with 2[\\s\\S]*REELVEC_DEVICE=${absent} cannot be used`),
    );
  });

  test('`reelvec models remove` deletes all of them', async () => {
    await server.stop();
    assert.match((await command(['models', 'remove', bundle], env)).stdout, /6 files removed/);
    await assert.rejects(startServer({ dataDir, env }), /are not ready/);
  });
});

/** The bundle of one space that the docs describe, with models of the same interfaces and random weights. */
describe('a bundle file that names a branch', () => {
  const DRAFT = join(import.meta.dirname, '../docs/bundles/clipclap.json');
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-pin-'));
  const own = join(folder, 'clipclap.json');
  const stack = new AsyncDisposableStack();
  const tiny = testModels();
  const models = {
    'visual_model.onnx': visionModel({ ...TINY_VIT, image: 224, patch: 56 }, 1, { name: 'pooler_output', width: 768 }),
    'visual_projection.onnx': projectionModel({ from: 768, to: 512 }),
    'audio_model.onnx': audioModel({ bands: 64 }, 2, { name: 'pooler_output', width: 1024 }),
    'audio_projection.onnx': projectionModel({ from: 1024, to: 512 }),
    'text_model.onnx': textModel({ vocabulary: 20, pooled: true, name: 'pooler_output' }),
    'text_projection.onnx': projectionModel({ from: 512, to: 512 }),
    'tokenizer.json': tiny['tokenizer.json']!,
    'tokenizer_config.json': tiny['tokenizer_config.json']!,
  };
  let hub: ModelHub;
  let env: Record<string, string>;

  before(async () => {
    hub = stack.use(await ModelHub.start());
    hub.add('antflydb/clipclap', REVISION, models);
    hub.point('antflydb/clipclap', 'main', REVISION);
    env = { REELVEC_MODELS_DIR: join(folder, 'models'), HF_ENDPOINT: hub.endpoint };
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  test('is refused unpinned', async () => {
    const { code, stderr } = await command(['models', 'pull', DRAFT], env);
    assert.equal(code, 1);
    assert.match(stderr, /does not fit the format[\s\S]*sources/);
  });

  test('is pinned to the current commit, with sizes, and with checksums if the hub has them', async () => {
    const { stdout } = await command(['models', 'pin', DRAFT], env);
    const { sources, ...rest } = JSON.parse(stdout);
    const { sources: draft, ...asked } = JSON.parse(readFileSync(DRAFT, 'utf8'));
    assert.deepEqual(rest, asked);
    assert.deepEqual(sources.whisper, draft.whisper);
    assert.equal(sources.clipclap.revision, REVISION);
    for (const [path, content] of Object.entries(models)) {
      const checksum = path.endsWith('.onnx') && { sha256: sha256(content) };
      assert.deepEqual(sources.clipclap.files[path], { size: content.length, ...checksum });
    }
    // These small models lack words for every id, and an audio encoder.
    const { speech: _, ...bundle } = JSON.parse(stdout.replaceAll('49407', '3'));
    delete bundle.sources.whisper;
    writeFileSync(own, JSON.stringify(bundle));
  });

  test('is refused if the repository is missing or lacks a file', async () => {
    const lacking = JSON.parse(readFileSync(DRAFT, 'utf8'));
    lacking.sources.clipclap.files['other.onnx'] = {};
    writeFileSync(join(folder, 'lacking.json'), JSON.stringify(lacking));
    const first = await command(['models', 'pin', join(folder, 'lacking.json')], env);
    assert.deepEqual([first.code, first.stdout], [1, '']);
    assert.match(first.stderr, /antflydb\/clipclap has no other\.onnx at main/);
    lacking.sources.clipclap.revision = 'next';
    writeFileSync(join(folder, 'lacking.json'), JSON.stringify(lacking));
    assert.match(
      (await command(['models', 'pin', join(folder, 'lacking.json')], env)).stderr,
      /has no .* at next \(404/,
    );
  });

  test('then gives vectors of pictures and sound, and fused ones, in the space of its text queries', async () => {
    assert.match((await command(['models', 'pull', own], env)).stdout, /8 files downloaded/);
    makeMedia(join(folder, 'film.mkv'), {
      video: cutsBetween(['testsrc2', 'mandelbrot'], { secondsEach: 3 }),
      audio: 'sine=frequency=440:duration=6',
    });
    const base64_string = readFileSync(join(folder, 'film.mkv')).toString('base64');
    await using server = await startServer({
      dataDir: join(folder, 'data'),
      env: { ...env, HF_HUB_OFFLINE: '1', REELVEC_BUNDLE: own },
    });
    const film = asking('video', { base64_string }, { embedding_type: ['separate_embedding', 'fused_embedding'] });
    const id = await createTask(server, film);
    await ready(server, id);
    const { body } = await call(server, 'GET', `/embed-v2/tasks/${id}`);
    const items: { embedding_option: string; embedding: number[] }[] = body.data;
    assert.deepEqual(new Set(items.map((item) => item.embedding_option)), new Set(['visual', 'audio', 'fused']));
    for (const { embedding } of items) assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
    const query = await call(server, 'POST', '/embed-v2', {
      body: { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'a car' } },
    });
    assert.equal(query.status, 200, query.text);
    assert.equal(query.body.data.length, 1);
    assert.equal(query.body.data[0].embedding.length, 512);
  });
});

function command(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [CLI, ...args],
      { env: { PATH: process.env['PATH'], HOME: tmpdir(), ...env }, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
