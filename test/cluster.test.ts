import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import postgres from 'postgres';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { startLoad } from './support/load.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { nextVersion } from './support/next-version.ts';
import {
  childrenOf,
  isAlive,
  type RunningServer,
  startServer,
  startWorker,
  temporaryFolder,
  until,
} from './support/server.ts';
import { NO_POSTGRES, type SharedState, sharedState } from './support/shared-state.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

const ONE_WORKER = { REELVEC_WORKERS: '1' };

describe('several nodes on PostgreSQL and S3', { skip: NO_POSTGRES }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-cluster-'));
  const stack = new AsyncDisposableStack();
  let state: SharedState;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  before(async () => {
    state = stack.use(await sharedState());
    host = stack.use(await hostFiles(folder));
    const round = makeMedia(join(folder, 'round.mp4'), {
      video: 'testsrc=size=360x360:rate=2:duration=20',
      audio: 'sine=frequency=440:duration=20:sample_rate=8000',
    });
    makeMedia(join(folder, 'short.flac'), { audio: 'sine=frequency=880:duration=8', audioCodec: FF_ENCODER_FLAC });
    // 15 minutes: four chunks.
    loopMedia(join(folder, 'long.mp4'), { of: round, times: 45, everySec: 20 });
    const lively = makeMedia(join(folder, 'lively.mp4'), { video: 'testsrc=size=640x640:rate=25:duration=20' });
    // One chunk that takes seconds, on fast machines too.
    loopMedia(join(folder, 'slow.mp4'), { of: lively, times: 14, everySec: 20 });
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  const node = async (stack: AsyncDisposableStack, env: Record<string, string> = {}) =>
    stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path, env: { ...state.env, ...env } }));
  const worker = async (stack: AsyncDisposableStack, args: string[] = [], env: Record<string, string> = {}) =>
    stack.use(
      await startWorker({
        dataDir: stack.use(temporaryFolder()).path,
        args,
        env: { ...state.env, ...ONE_WORKER, ...env },
      }),
    );
  /** Separate database and bucket prefix: two databases would treat each other's blobs as orphans. */
  const emptyState = async () => {
    const REELVEC_DATABASE_URL = await state.postgres.database();
    return { REELVEC_DATABASE_URL, REELVEC_BLOBS: `${state.env['REELVEC_BLOBS']}-${randomUUID()}` };
  };
  const long = (overrides: object = {}) => asking('video', { url: `${host.url}/long.mp4` }, overrides);
  const slow = () => asking('video', { url: `${host.url}/slow.mp4` });
  const short = () => asking('audio', { url: `${host.url}/short.flac` });
  /** Number of chunks of a task that a node has embedded, from its log. */
  const chunksDone = (server: RunningServer, id: string) =>
    server
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"chunk embedded"') && line.includes(id)).length;

  const untilEmbedding = async (api: RunningServer, id: string) => {
    const done = async () => (await call(api, 'GET', `/embed-v2/tasks/${id}`)).body.progress.fraction;
    while ((await done()) === 0) await sleep(50);
  };

  test('nodes that start together on an empty database create one schema and one first key', async () => {
    await using nodes = new AsyncDisposableStack();
    const env = { ...(await emptyState()), REELVEC_API_KEYS: '' };
    const started = await Promise.all(Array.from({ length: 4 }, () => node(nodes, env)));
    const keys = started.flatMap((server) => /\brvk_[\w-]{43}\b/.exec(server.output()) ?? []);
    assert.equal(keys.length, 1);
    for (const server of started) {
      const { status } = await call(server, 'GET', '/embed-v2/tasks', { headers: { 'x-api-key': String(keys[0]) } });
      assert.equal(status, 200);
    }
  });

  test('a database of a newer version is refused with a sentence by serve, worker and keys', async () => {
    const own = await emptyState();
    await using nodes = new AsyncDisposableStack();
    await node(nodes, own);
    const sql = postgres(own.REELVEC_DATABASE_URL, { max: 1 });
    await sql`insert into kysely_migration values ('9999_future', '2100-01-01')`;
    await sql.end();
    const env = { ...state.env, ...own, REELVEC_PORT: '0' };
    using data = temporaryFolder();
    for (const command of [['serve'], ['worker'], ['keys', 'list']]) {
      const { code, stderr } = await reelvec([...command, '--data-dir', data.path], { env });
      assert.equal(code, 1, command.join(' '));
      assert.match(stderr, /^reelvec: The data was written by a newer reelvec\.[^\n]*\n$/);
    }
  });

  test('a node keeps working while a newer version changes the schema, and cannot start again', async () => {
    await using nodes = new AsyncDisposableStack();
    const own = await emptyState();
    const old = await node(nodes, { ...own, ...ONE_WORKER });
    // At the same time, so that every connection has prepared the statement.
    const ask = () => Promise.all(Array.from({ length: 16 }, () => createTask(old, short())));
    const ids = await ask();
    const newer = [process.execPath, join(nextVersion(folder), 'src/cli.ts')] as const;
    using data = temporaryFolder();
    const keys = (program?: typeof newer) =>
      reelvec(['keys', 'list', '--data-dir', data.path], { env: { ...state.env, ...own }, program });
    const sql = postgres(own.REELVEC_DATABASE_URL, { max: 1 });
    const slow = sql.begin(async (reading) => {
      await reading`select from tasks limit 1`;
      await sleep(3000);
    });
    const migrated = keys(newer);
    ids.push(...(await ask()));
    await slow;
    await sql.end();
    assert.equal((await migrated).code, 0, 'any command of the newer version brings the schema up to date');
    ids.push(...(await ask()), ...(await ask()));
    for (const id of ids) await ready(old, id);
    assert.match((await keys()).stderr, /written by a newer reelvec/);
    assert.doesNotMatch(old.output(), /"level":(50|60)/, 'nothing of it is an error');
  });

  test('a node without workers, or a worker without a shared database, is refused with the reason', async () => {
    const without = await reelvec(['worker']);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /--database-url/);
    const idle = await reelvec(['serve', '--no-worker']);
    assert.equal(idle.code, 2);
    assert.match(idle.stderr, /Nobody would do the work/);
    const unknown = await reelvec(['worker', '--only', 'smell'], { env: state.env });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /"smell" is none of visual, audio, transcription/);
  });

  test('the chunks of one task run on every worker, and any node has the result', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0' });
    const other = await node(nodes, { REELVEC_WORKERS: '0' });
    const workers = await Promise.all([worker(nodes), worker(nodes)]);
    const id = await createTask(api, long());
    const { data } = await ready(other, id, 120_000);
    const done = workers.map((server) => chunksDone(server, id));
    assert.deepEqual([done[0]! + done[1]!, chunksDone(api, id)], [4, 0]);
    assert.ok(Math.min(...done) >= 1, `each has done its share: ${done}`);

    const again = await ready(api, await createTask(other, long()), 120_000);
    assert.ok(again.data === data, 'the same bytes, however the chunks fell');
  });

  test('an upload is answered once another node has prepared the asset', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0' });
    await worker(nodes);
    const form = new FormData();
    form.set('method', 'direct');
    form.set('file', new Blob([readFileSync(join(folder, 'short.flac'))]), 'short.flac');
    const { status, body } = await call(api, 'POST', '/assets', { body: form });
    assert.deepEqual([status, body.status], [201, 'ready']);
    await ready(api, await createTask(api, asking('audio', { asset_id: body._id })));
  });

  test('a short task does not wait for a long one, of the same key or another', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0', REELVEC_API_KEYS: 'test-key,other-key' });
    const only = await worker(nodes);
    const id = await createTask(api, long());
    await until(() => chunksDone(only, id) >= 1, 60_000, 'the long task is being worked on');
    const body = short();
    const mine = await createTask(api, body);
    const others = (await call(api, 'POST', '/embed-v2/tasks', { body, headers: { 'x-api-key': 'other-key' } })).body;
    await ready(api, mine);
    const { body: theirs } = await call(api, 'GET', `/embed-v2/tasks/${others._id}?wait=10`, {
      headers: { 'x-api-key': 'other-key' },
    });
    assert.equal(theirs.status, 'ready');
    assert.ok(chunksDone(only, id) <= 3, 'the long task is not over yet');
    await call(api, 'DELETE', `/embed-v2/tasks/${id}`);
  });

  test('a worker for one option does not claim chunks of others', async () => {
    await using nodes = new AsyncDisposableStack();
    const own = await emptyState();
    const api = await node(nodes, { ...own, REELVEC_WORKERS: '0' });
    const only = await worker(nodes, ['--only', 'audio'], own);
    const pictures = await createTask(api, long({ embedding_option: ['visual'], end_sec: 20 }));
    const sound = await createTask(api, long({ embedding_option: ['audio'], end_sec: 20 }));
    await ready(api, sound);
    const waiting = async () => {
      const metrics = await fetch(new URL('/metrics', only.url), { headers: { authorization: 'Bearer test-key' } });
      return /reelvec_queue_length\{workflow="embed-chunk",state="waiting"\} (\d+)/.exec(await metrics.text())?.[1];
    };
    // Fetching and planning, which any worker does, come first.
    for (let looks = 0; (await waiting()) !== '1'; looks++) {
      assert.ok(looks < 100, 'the chunk of pictures is in the queue');
      await sleep(50);
    }
    const { body } = await call(api, 'GET', `/embed-v2/tasks/${pictures}`);
    assert.deepEqual([body.status, body.progress], ['processing', { fraction: 0, stage: 'embedding' }]);
    await worker(nodes, ['--only', 'visual,audio'], own);
    await ready(api, pictures);
  });

  test('a media worker starts the next chunk while the previous block is written', async (t) => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0' });
    const only = await worker(nodes);
    const slow = await createTask(api, short());
    state.s3.faults(({ method, url }) => (method === 'PUT' && url.includes(`${slow}/chunks/`) ? 'dawdle' : undefined));
    t.after(() => state.s3.faults(() => undefined));
    const next = await createTask(api, short());
    await ready(api, slow);
    await ready(api, next);
    const chunks = only
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"chunk embedded"'));
    assert.deepEqual(
      chunks.map((line) => JSON.parse(line).taskId),
      [next, slow],
    );
  });

  test('DELETE on one node frees the worker on another within 2 s', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0' });
    const far = await worker(nodes);
    for (let round = 0; round < 3; round++) {
      const id = await createTask(api, slow());
      await untilEmbedding(api, id);
      const media = childrenOf(far.pid);
      assert.equal((await call(api, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
      await until(() => media.some((pid) => !isAlive(pid)), 2000, 'the media process that worked on it is gone');
      assert.equal(chunksDone(far, id), 0);
    }
    await ready(api, await createTask(api, short()), 10_000);
  });

  test('SIGTERM in the middle of a chunk: exit code 0 within 20 s, and the next worker resumes at once', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await node(nodes, { REELVEC_WORKERS: '0' });
    const leaving = await worker(nodes);
    const id = await createTask(api, long({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 2 } } }));
    await untilEmbedding(api, id);
    const asked = performance.now();
    const left = leaving.stop().then((code) => ({ code, ms: performance.now() - asked }));
    const next = await worker(nodes);
    const { code, ms } = await left;
    assert.equal(code, 0);
    assert.ok(ms < 20_000, `${ms} ms`);
    const gone = performance.now();
    await until(() => chunksDone(next, id) + chunksDone(leaving, id) === 4, 60_000, 'all chunks are done');
    await ready(api, id);
    // Waiting for the lease to expire would take 30 s.
    assert.ok(performance.now() - gone < 25_000, 'the lease was released, it did not expire');
  });

  for (const role of ['server', 'worker'] as const) {
    test(`a second SIGTERM ends a ${role} at once`, async () => {
      await using nodes = new AsyncDisposableStack();
      const own = await emptyState();
      const api = await node(nodes, { ...own, REELVEC_WORKERS: '0' });
      const env = { ...own, ...ONE_WORKER };
      const leaving = role === 'server' ? await node(nodes, env) : await worker(nodes, [], env);
      const id = await createTask(api, slow());
      await untilEmbedding(api, id);
      const media = childrenOf(leaving.pid);
      const ended = leaving.stop();
      await until(() => leaving.output().includes('"msg":"stopping"'), 5000, 'it has heard the first');
      await sleep(500);
      assert.ok(isAlive(leaving.pid), 'it lets its chunk finish');
      const asked = performance.now();
      process.kill(leaving.pid, 'SIGTERM');
      assert.equal(await ended, 1);
      assert.ok(performance.now() - asked < 1000, 'at once');
      await until(() => !media.some(isAlive), 2000, 'no process is left');
      assert.equal((await call(api, 'DELETE', `/embed-v2/tasks/${id}`)).status, 204);
    });
  }

  test('a rolling restart loses no request', async (t) => {
    await using nodes = new AsyncDisposableStack();
    const running = [await node(nodes, ONE_WORKER), await node(nodes, ONE_WORKER)];
    const first = await createTask(running[0]!, short());
    await ready(running[0]!, first);
    const body = () => {
      const form = new FormData();
      form.set('method', 'direct');
      form.set('file', new Blob([new Uint8Array(readFileSync(join(folder, 'round.mp4')))]), 'round.mp4');
      return form;
    };
    const tasks = () => load.answers.filter(({ status }) => status === 202).map(({ body }) => body._id as string);
    const load = startLoad({
      servers: () => running,
      clients: 6,
      pauseMs: 50,
      requests: [
        () => ({ method: 'POST', path: '/embed-v2/tasks', body: short(), status: 202 }),
        () => ({ method: 'GET', path: '/embed-v2/tasks', status: 200 }),
        () => ({ method: 'GET', path: `/embed-v2/tasks/${first}`, status: 200 }),
        () => ({ method: 'POST', path: '/assets', body: body(), status: 201 }),
        () => ({ method: 'GET', path: `/embed-v2/tasks/${tasks().at(-1) ?? first}?wait=0.5`, status: 200 }),
      ],
    });
    try {
      for (const i of [0, 1]) {
        const server = running[i]!;
        const stopped = server.stop();
        const probe = async () => (await fetch(new URL('/readyz', server.url)).catch(() => undefined))?.status;
        let said = await probe();
        // The signal may take a moment to arrive.
        while (said === 200) said = await probe();
        assert.equal(said, 503, 'it says that it stops before it does');
        assert.equal(await stopped, 0);
        running[i] = await node(nodes, ONE_WORKER);
      }
    } finally {
      await load.stop();
    }
    assert.deepEqual(load.failures, []);
    const created = tasks();
    t.diagnostic(`${load.answers.length} requests, ${created.length} tasks`);
    assert.ok(load.answers.length > 100 && created.length > 20);
    for (const id of created) await ready(running[1]!, id, 90_000);
  });
});

test('the file name of an asset is found in letters of any script and either case, in both databases', {
  skip: NO_POSTGRES,
}, async () => {
  await using shared = await sharedState();
  for (const env of [{}, shared.env]) {
    using data = temporaryFolder();
    await using server = await startServer({ dataDir: data.path, env });
    const form = new FormData();
    form.set('method', 'direct');
    const media = makeMedia(join(data.path, 'm.flac'), { audio: 'sine=duration=4', audioCodec: FF_ENCODER_FLAC });
    form.set('file', new Blob([Uint8Array.from(readFileSync(media))]), 'ÜBUNG_Ολυμπία.flac');
    await call(server, 'POST', '/assets', { body: form });
    for (const part of ['übung', 'ΟΛΥΜΠΊΑ', 'g_ο']) {
      const found = await call(server, 'GET', `/assets?filename=${encodeURIComponent(part)}`);
      assert.equal(found.body.page_info.total_results, 1, part);
    }
    const none = await call(server, 'GET', '/assets?filename=%25b');
    assert.equal(none.body.page_info.total_results, 0);
  }
});
