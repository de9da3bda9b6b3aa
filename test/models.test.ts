import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundleFixture, testModels, writeBundle } from '../src/encode/bundle.fixture.ts';
import { checkEmbeddings } from './support/embeddings.ts';
import { hostFiles } from './support/file-host.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { ModelHub } from './support/model-hub.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ended, ready } from './support/tasks.ts';

const REVISION = 'abcdef0123456789abcdef0123456789abcdef01';
const CLI = join(import.meta.dirname, '../src/cli.ts');
const SECONDS = 9;

/** The promises about bundles of models; the tests build on each other. */
describe('a server whose bundle has models', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-bundles-'));
  const modelsDir = join(folder, 'models');
  const stack = new AsyncDisposableStack();
  let hub: ModelHub;
  let bundle: string;
  let film: object;
  let server: RunningServer;
  let dataDir: string;
  let env: Record<string, string>;
  /** `data` of the same task, whoever makes it. */
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

  test('does not start while they are not here, and says what to run', async () => {
    await assert.rejects(startServer({ dataDir, env }), /ended with 2[\s\S]*not all here[\s\S]*reelvec models pull/);
  });

  test('`reelvec models pull` gets them', async () => {
    const { stdout } = await command(['models', 'pull', bundle], env);
    assert.match(stdout, /6 files fetched/);
    assert.match((await command(['models', 'verify', bundle], env)).stdout, /(^good .*\n){6}/m);
  });

  test('says at start and in /readyz what they run on', async () => {
    server = await startServer({ dataDir, env: { ...env, HF_HUB_OFFLINE: '1', REELVEC_WORKERS: '2' } });
    assert.match(server.output(), /device {3}cpu, \d+ threads a worker/);
    const { body } = await call(server, 'GET', '//readyz');
    assert.equal(body.device, 'cpu');
    assert.match(body.bundle, /^tiny@1-[0-9a-f]{8}$/);
  });

  test('gives vectors for what is seen, heard and written, and says which bundle made them', async () => {
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

  test('does not go on with a task that was made for another bundle: it fails and says so', async () => {
    const id = await createTask(server, film);
    await server.kill();
    server = await startServer({ dataDir, env: { ...env, REELVEC_BUNDLE: 'signal' } });
    const task = await ended(server, id);
    assert.equal(task.status, 'failed');
    assert.match(task.error!.message, /made for the bundle tiny@1-\w+, and the server now works with signal@/);
  });

  test('leaves out what the bundle has no encoder for, and refuses what is nothing else', async () => {
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

  test('does not start with a model that was tampered with', async () => {
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

  test('gets what is missing or damaged by itself where it is told to', async () => {
    server = await startServer({ dataDir, env: { ...env, REELVEC_MODELS_AUTOPULL: '1' } });
    assert.ok((await embed(server)).data === vectors, 'the same bytes');
  });

  test('does not start with a device that is not there, rather than take another', async () => {
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
    const other = { dataDir: stack.use(temporaryFolder()).path, env: { ...env, REELVEC_DEVICE: absent } };
    await assert.rejects(
      startServer(other),
      new RegExp(`ended with 2[\\s\\S]*REELVEC_DEVICE=${absent} cannot be used`),
    );
  });

  test('`reelvec models remove` leaves nothing of them', async () => {
    await server.stop();
    assert.match((await command(['models', 'remove', bundle], env)).stdout, /6 files removed/);
    await assert.rejects(startServer({ dataDir, env }), /not all here/);
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
