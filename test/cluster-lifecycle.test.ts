import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { chunksDone, ONE_WORKER, openCluster, untilEmbedding } from './support/cluster.ts';
import { reelvec } from './support/command.ts';
import { startLoad } from './support/load.ts';
import { nextVersion } from './support/next-version.ts';
import { childrenOf, isAlive, temporaryFolder, until } from './support/server.ts';
import { NO_POSTGRES } from './support/shared-state.ts';
import { call, createTask, ready } from './support/tasks.ts';

describe('start, upgrade and shutdown of nodes', { skip: NO_POSTGRES }, () => {
  let cluster: Awaited<ReturnType<typeof openCluster>>;
  before(async () => {
    cluster = await openCluster();
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('nodes that start together on an empty database create one schema and one first key', async () => {
    await using nodes = new AsyncDisposableStack();
    const env = { ...(await cluster.emptyState()), REELVEC_API_KEYS: '' };
    const started = await Promise.all(Array.from({ length: 4 }, () => cluster.node(nodes, env)));
    const keys = started.flatMap((server) => /\brvk_[\w-]{43}\b/.exec(server.output()) ?? []);
    assert.equal(keys.length, 1);
    for (const server of started) {
      const { status } = await call(server, 'GET', '/embed-v2/tasks', { headers: { 'x-api-key': String(keys[0]) } });
      assert.equal(status, 200);
    }
  });

  test('a database of a newer version is refused with a sentence by serve, worker and keys', async () => {
    const own = await cluster.emptyState();
    await using nodes = new AsyncDisposableStack();
    await cluster.node(nodes, own);
    const sql = postgres(own.REELVEC_DATABASE_URL, { max: 1 });
    await sql`insert into kysely_migration values ('9999_future', '2100-01-01')`;
    await sql.end();
    const env = { ...cluster.state.env, ...own, REELVEC_PORT: '0' };
    using data = temporaryFolder();
    for (const command of [['serve'], ['worker'], ['keys', 'list']]) {
      const { code, stderr } = await reelvec([...command, '--data-dir', data.path], { env });
      assert.equal(code, 1, command.join(' '));
      assert.match(stderr, /^reelvec: The data was written by a newer reelvec\.[^\n]*\n$/);
    }
  });

  test('a node keeps working while a newer version changes the schema, and cannot start again', async () => {
    await using nodes = new AsyncDisposableStack();
    const own = await cluster.emptyState();
    const old = await cluster.node(nodes, { ...own, ...ONE_WORKER });
    // At the same time, so that every connection has prepared the statement.
    const ask = () => Promise.all(Array.from({ length: 16 }, () => createTask(old, cluster.short())));
    const ids = await ask();
    const newer = [process.execPath, join(nextVersion(cluster.folder), 'src/cli.ts')] as const;
    using data = temporaryFolder();
    const keys = (program?: typeof newer) =>
      reelvec(['keys', 'list', '--data-dir', data.path], { env: { ...cluster.state.env, ...own }, program });
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
    const unknown = await reelvec(['worker', '--only', 'smell'], { env: cluster.state.env });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /"smell" is none of visual, audio, transcription/);
  });

  test('SIGTERM in the middle of a chunk: exit code 0 and no lease, so that the next worker resumes at once', async () => {
    await using nodes = new AsyncDisposableStack();
    const api = await cluster.node(nodes, { REELVEC_WORKERS: '0' });
    const leaving = await cluster.worker(nodes);
    const id = await createTask(api, cluster.long({ segmentation: { strategy: 'fixed', fixed: { duration_sec: 2 } } }));
    await untilEmbedding(api, id);
    assert.equal(await leaving.stop(), 0, 'after 20 s it would exit with 1');
    const sql = postgres(cluster.state.databaseUrl, { max: 1 });
    const leased = await sql`select workflow_name from openworkflow.workflow_runs
      where status = 'running' and worker_id is not null and available_at > now()`;
    await sql.end();
    assert.deepEqual([...leased], [], 'a lease would expire after 30 s');
    const next = await cluster.worker(nodes);
    await until(() => chunksDone(next, id) + chunksDone(leaving, id) === 4, 120_000, 'all chunks are done');
    await ready(api, id);
  });

  for (const role of ['server', 'worker'] as const) {
    test(`a second SIGTERM ends a ${role} at once`, async () => {
      await using nodes = new AsyncDisposableStack();
      const own = await cluster.emptyState();
      const api = await cluster.node(nodes, { ...own, REELVEC_WORKERS: '0' });
      const env = { ...own, ...ONE_WORKER };
      const leaving = role === 'server' ? await cluster.node(nodes, env) : await cluster.worker(nodes, [], env);
      const id = await createTask(api, cluster.slow());
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
    const running = [await cluster.node(nodes, ONE_WORKER), await cluster.node(nodes, ONE_WORKER)];
    const first = await createTask(running[0]!, cluster.short());
    await ready(running[0]!, first);
    const body = () => {
      const form = new FormData();
      form.set('method', 'direct');
      form.set('file', new Blob([new Uint8Array(readFileSync(join(cluster.folder, 'round.mp4')))]), 'round.mp4');
      return form;
    };
    const tasks = () => load.answers.filter(({ status }) => status === 202).map(({ body }) => body._id as string);
    const load = startLoad({
      servers: () => running,
      clients: 6,
      pauseMs: 50,
      requests: [
        () => ({ method: 'POST', path: '/embed-v2/tasks', body: cluster.short(), status: 202 }),
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
        running[i] = await cluster.node(nodes, ONE_WORKER);
      }
      const isEnough = () => load.answers.length > 100 && tasks().length > 20;
      await until(isEnough, 120_000, 'more than 100 requests and 20 tasks');
    } finally {
      await load.stop();
    }
    assert.deepEqual(load.failures, []);
    const created = tasks();
    t.diagnostic(`${load.answers.length} requests, ${created.length} tasks`);
    for (const id of created) await ready(running[1]!, id, 90_000);
  });
});
