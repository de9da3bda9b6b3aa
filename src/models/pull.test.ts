import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { ModelHub, sha256 } from '../../test/support/model-hub.ts';
import type { HubSettings } from '../config.ts';
import { Hub } from './hub.ts';
import { pull } from './pull.ts';
import type { HubSource } from './source.ts';
import { ModelStore, modelFiles } from './store.ts';

const REVISION = '0123456789abcdef0123456789abcdef01234567';
const MODEL = randomBytes(300_000);
const TOKENIZER = '{"version":"1.0"}';

/** Starts a hub with one repository of one large and one small file, and creates an empty models folder. */
async function setUp(t: TestContext, settings: Partial<HubSettings> = {}) {
  const server = await ModelHub.start();
  const root = await mkdtemp(join(tmpdir(), 'reelvec-models-'));
  server.add('acme/clip', REVISION, { 'onnx/model.onnx': MODEL, 'tokenizer.json': TOKENIZER });
  const hub = new Hub({
    endpoint: server.endpoint,
    token: undefined,
    tokenFile: join(root, 'no-token'),
    offline: false,
    timeoutMs: 2000,
    proxy: {},
    ...settings,
  });
  t.after(async () => {
    await hub[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });
  const source: HubSource = {
    repo: 'acme/clip',
    revision: REVISION,
    licence: 'MIT',
    files: { 'onnx/model.onnx': { size: MODEL.length, sha256: sha256(MODEL) }, 'tokenizer.json': {} },
  };
  const store = new ModelStore(root);
  const files = modelFiles({ source });
  return { server, root, hub, source, store, files, options: { store, hub, firstRetryDelayMs: 5 } };
}

it('downloads every file, and nothing the second time', async (t) => {
  const { server, store, files, options } = await setUp(t);
  assert.equal((await pull(files, options)).fetched.length, 2);
  assert.deepEqual(await readFile(store.pathOf(files[0]!)), MODEL);
  assert.equal(await readFile(await store.verifiedPath(files[1]!), 'utf8'), TOKENIZER);
  const asked = server.seen.length;
  assert.deepEqual(await pull(files, options), { fetched: [], present: files });
  assert.equal(server.seen.length, asked);
});

it('resumes after a lost connection', async (t) => {
  const { server, store, files, options } = await setUp(t);
  server.misbehave('onnx/model.onnx', { kind: 'cut', after: 100_000 }, { kind: 'cut', after: 50_000 });
  await pull(files, options);
  assert.deepEqual(await readFile(store.pathOf(files[0]!)), MODEL);
  const ranges = server.seen.filter(({ server, path }) => server === 'store' && path.endsWith('.onnx'));
  const starts = ranges.map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0));
  assert.equal(starts[0], 0);
  assert.ok(starts[1]! > 0 && starts[2]! > starts[1]!, `began at ${starts}`);
});

it('resumes after its own end, even with a complete partial file', async (t) => {
  const { server, store, files, options } = await setUp(t);
  const part = `${store.pathOf(files[0]!)}.part`;
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, MODEL);
  await pull(files, options);
  assert.deepEqual(await readFile(store.pathOf(files[0]!)), MODEL);
  assert.ok(!existsSync(part));
  const [asked] = server.seen.filter(({ server }) => server === 'store');
  assert.equal(asked?.range, `bytes=${MODEL.length}-`);
});

it('starts over if the hub cannot resume, or if the partial file is longer than the file', async (t) => {
  const { server, store, files, options } = await setUp(t);
  const part = `${store.pathOf(files[0]!)}.part`;
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, Buffer.concat([MODEL, MODEL]));
  await pull(files, options);
  assert.deepEqual(await readFile(store.pathOf(files[0]!)), MODEL);
  const ranges = server.seen.filter(({ server }) => server === 'store').map(({ range }) => range);
  assert.deepEqual(ranges, [`bytes=${2 * MODEL.length}-`, undefined]);
});

it('names the file after repeated attempts without a new byte', async (t) => {
  const { server, files, options } = await setUp(t);
  server.misbehave('onnx/model.onnx', ...Array.from({ length: 9 }, () => ({ kind: 'cut', after: 0 }) as const));
  const message = /^onnx\/model\.onnx of acme\/clip could not be downloaded: the host broke the connection off\.$/;
  await assert.rejects(pull(files, options), { name: 'HubTransientError', message });
  assert.equal(server.seen.filter(({ server }) => server === 'store').length, 6);
});

it('keeps nothing of a file that differs from the bundle', async (t) => {
  const { server, store, files, options } = await setUp(t);
  server.misbehave('onnx/model.onnx', { kind: 'wrong' });
  await assert.rejects(pull(files, options), /wrong checksum/);
  assert.equal(await store.check(files[0]!), 'missing');
  assert.ok(!existsSync(`${store.pathOf(files[0]!)}.part`));
  await pull(files, options);
  assert.equal(await store.check(files[0]!), 'good');
});

it('does not fetch a file whose size or checksum on the hub differs', async (t) => {
  const { server, files, options } = await setUp(t);
  server.add('acme/clip', REVISION, { 'onnx/model.onnx': randomBytes(300_000) });
  await assert.rejects(pull(files, options), /onnx\/model\.onnx of acme\/clip differs on the hub/);
});

it('records the checksum of the hub for a file without one, and requires it afterwards', async (t) => {
  const { server, store, source, options } = await setUp(t);
  const unpinned = { source: { ...source, files: { 'onnx/model.onnx': {}, 'tokenizer.json': {} } } };
  const files = modelFiles(unpinned);
  server.misbehave('tokenizer.json', { kind: 'wrong' });
  await assert.rejects(pull(files, options), /tokenizer\.json of acme\/clip has the wrong checksum/);
  await pull(files, options);
  for (const file of files) assert.equal(await store.check(file), 'good');
  await writeFile(store.pathOf(files[1]!), TOKENIZER.replace('1', '2'));
  assert.equal(await store.check(files[1]!), 'damaged');
});

it('detects a changed or truncated file despite its mtime, and downloads it again', async (t) => {
  const { store, files, options } = await setUp(t);
  await pull(files, options);
  const path = store.pathOf(files[0]!);
  const changed = Buffer.from(MODEL);
  changed[1000]! ^= 1;
  await writeFile(path, changed);
  assert.equal(await store.check(files[0]!), 'damaged');
  await assert.rejects(
    store.verifiedPath(files[0]!),
    /does not match the checksum or size in the bundle and is not loaded/,
  );
  await truncate(path, 1000);
  assert.equal(await store.check(files[0]!), 'damaged');
  assert.equal((await pull(files, options)).fetched.length, 1);
  await utimes(path, 1, 1);
  assert.equal(await store.check(files[0]!), 'good');
});

it('waits for Retry-After while the hub is busy', async (t) => {
  const { server, store, files, options } = await setUp(t);
  server.misbehave(
    'onnx/model.onnx',
    { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 503 },
  );
  const started = performance.now();
  await pull(files, options);
  assert.ok(performance.now() - started >= 1000);
  assert.equal(await store.check(files[0]!), 'good');
});

it('gives up after repeated failures', async (t) => {
  const { server, files, options } = await setUp(t);
  server.misbehave('onnx/model.onnx', ...Array.from({ length: 20 }, () => ({ kind: 'status', status: 502 }) as const));
  await assert.rejects(pull(files, options), /answered 502/);
});

for (const { status, says } of [
  { status: 401, says: /HF_TOKEN/ },
  { status: 403, says: /accept its terms/ },
  { status: 404, says: /has no onnx\/model\.onnx of acme\/clip.*HF_ENDPOINT/ },
]) {
  it(`says what to do about ${status}, and does not retry`, async (t) => {
    const { server, files, options } = await setUp(t);
    server.misbehave('onnx/model.onnx', { kind: 'status', status });
    await assert.rejects(pull(files, options), says);
    assert.equal(server.seen.length, 1);
  });
}

it('sends the token to the hub, and to no host that it redirects to', async (t) => {
  const { server, files, options } = await setUp(t, { token: 'hf_secret' });
  server.token = 'hf_secret';
  await pull(files, options);
  const shown = (where: string) =>
    new Set(server.seen.filter((seen) => seen.server === where).map((seen) => seen.authorization));
  assert.deepEqual(shown('hub'), new Set(['Bearer hf_secret']));
  assert.deepEqual(shown('store'), new Set([undefined]));
});

it('reads the token file of the Hugging Face tools', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-token-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'token'), 'hf_kept\n');
  const { server, files, options } = await setUp(t, { tokenFile: join(folder, 'token') });
  server.token = 'hf_kept';
  assert.equal((await pull(files, options)).fetched.length, 2);
});

it('makes no request in offline mode', async (t) => {
  const { server, files, options } = await setUp(t, { offline: true });
  await assert.rejects(pull(files, options), /HF_HUB_OFFLINE/);
  assert.equal(server.seen.length, 0);
});

it('locks the folder for one pull at a time; the others find its files', async (t) => {
  const { server, files, options } = await setUp(t);
  let waited = 0;
  const pulls = await Promise.all(
    Array.from({ length: 3 }, () => pull(files, { ...options, onWait: () => void waited++ })),
  );
  assert.deepEqual(pulls.map(({ fetched }) => fetched.length).sort(), [0, 0, 2]);
  assert.equal(waited, 2);
  assert.equal(server.seen.filter(({ server }) => server === 'store').length, 1);
});

it('reports progress', async (t) => {
  const { files, options } = await setUp(t);
  const told: [number, number | undefined][] = [];
  await pull(files, {
    ...options,
    onProgress: (file, done, size) => file.path === files[0]!.path && told.push([done, size]),
  });
  assert.deepEqual(told.at(-1), [MODEL.length, MODEL.length]);
});

it('stops when aborted, and resumes later', async (t) => {
  const { server, files, options } = await setUp(t);
  server.misbehave('onnx/model.onnx', { kind: 'cut', after: 100_000 });
  const abort = new AbortController();
  const onProgress = () => abort.abort();
  await assert.rejects(pull(files, { ...options, onProgress, signal: abort.signal }), { name: 'AbortError' });
  assert.equal((await pull(files, options)).fetched.length, 2);
});
