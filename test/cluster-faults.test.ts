import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import postgres from 'postgres';
import { hostFiles } from './support/file-host.ts';
import { startLoad } from './support/load.ts';
import { loopMedia } from './support/loop-media.ts';
import { makeMedia } from './support/make-media.ts';
import { nextVersion } from './support/next-version.ts';
import { seededRandom } from './support/seeded-random.ts';
import { ROOT, type RunningServer, startServer, startWorker, temporaryFolder } from './support/server.ts';
import { NO_POSTGRES, type SharedState, sharedState } from './support/shared-state.ts';
import { NO_DISKS, smallDisk } from './support/small-disk.ts';
import { asking, call, ended } from './support/tasks.ts';

/** Rounds of each fault. A round takes about as long as a lease, 30 s. Default: one round of the quick faults. */
const ROUNDS = Number(process.env['REELVEC_TEST_ROUNDS'] ?? 1);
const LONG = process.env['REELVEC_TEST_ROUNDS'] ? undefined : 'takes minutes: npm run test:faults';
const SHORT_TASKS = 3;
/** Faults happen within this time after the tasks were created, in milliseconds. */
const LATEST_MS = 4000;
const LEASE_MS = 30_000;
const ROUND_TIMEOUT_MS = 240_000;
const NEWER = /ended with 1:\nreelvec: The data was written by a newer reelvec\.[^\n]*\n$/;

interface Nodes {
  api: RunningServer;
  readonly workers: RunningServer[];
}

/** Disturbs the nodes or their shared services. When it resolves, all nodes and services run again. */
type Fault = (nodes: Nodes, random: (below: number) => number) => Promise<void>;

describe('faults of a cluster', { skip: NO_POSTGRES }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-cluster-faults-'));
  const stack = new AsyncDisposableStack();
  let state: SharedState;
  let host: Awaited<ReturnType<typeof hostFiles>>;
  let nodes: Nodes;
  let expected: { long: string; short: string };
  const created: string[] = [];
  /** Root of the code that nodes are started from. */
  let version = ROOT;

  const long = () => asking('video', { url: `${host.url}/long.mp4` });
  const short = () => asking('audio', { url: `${host.url}/short.flac` });
  const serve = async () =>
    stack.use(
      await startServer({
        dataDir: stack.use(temporaryFolder()).path,
        env: { ...state.env, REELVEC_WORKERS: '0' },
        root: version,
      }),
    );
  const work = async (env: Record<string, string> = {}) =>
    stack.use(
      await startWorker({
        dataDir: stack.use(temporaryFolder()).path,
        env: { ...state.env, REELVEC_WORKERS: '1', ...env },
        root: version,
      }),
    );

  before(async () => {
    state = stack.use(await sharedState({ max_connections: '60' }));
    host = stack.use(await hostFiles(folder));
    const round = makeMedia(join(folder, 'round.mp4'), {
      video: 'testsrc=size=360x360:rate=2:duration=20',
      audio: 'sine=frequency=440:duration=20:sample_rate=8000',
    });
    // 15 minutes: four chunks
    loopMedia(join(folder, 'long.mp4'), { of: round, times: 45, everySec: 20 });
    makeMedia(join(folder, 'short.flac'), { audio: 'sine=frequency=880:duration=8', audioCodec: FF_ENCODER_FLAC });
    nodes = { api: await serve(), workers: [await work(), await work()] };
    expected = {
      long: (await finished(await create(long()))).data,
      short: (await finished(await create(short()))).data,
    };
  });
  after(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true });
  });

  /** Repeats a request until there is an answer, as a careful client does. */
  async function create(body: object): Promise<string> {
    const key = `k${created.length}-${Math.random()}`;
    for (;;) {
      const headers = { 'x-api-key': 'test-key', 'idempotency-key': key };
      const answer = await call(nodes.api, 'POST', '/embed-v2/tasks', { body, headers }).catch(() => undefined);
      if (answer?.status === 202) {
        created.push(answer.body._id);
        return answer.body._id;
      }
      assert.ok(answer === undefined || answer.status >= 500 || answer.status === 409, answer?.text);
      await sleep(200);
    }
  }

  async function finished(id: string) {
    for (;;) {
      try {
        const task = await ended(nodes.api, id, ROUND_TIMEOUT_MS);
        assert.equal(task.status, 'ready', task.error?.message);
        return task;
      } catch (error) {
        // A 5xx is temporary: try again.
        if (!/fetch failed|503|500|terminated/.test(String(error)))
          throw new Error(`${(error as Error).message}; runs: ${await unfinishedRuns()}`, { cause: error });
        await sleep(200);
      }
    }
  }

  /** Unfinished runs with their step attempts, as JSON, to explain a failure. */
  async function unfinishedRuns(): Promise<string> {
    const sql = postgres(state.databaseUrl, { max: 1 });
    try {
      const runs = await sql`
        select run.workflow_name, run.input, run.status, run.attempts, run.worker_id, run.available_at, (
          select json_agg(json_build_array(step_name, kind, status, child_workflow_run_id, error ->> 'message') order by created_at)
          from openworkflow.step_attempts where workflow_run_id = run.id
        ) as steps
        from openworkflow.workflow_runs as run where status not in ('completed', 'failed')`;
      return JSON.stringify(runs);
    } finally {
      await sql.end();
    }
  }

  /** Blobs of tasks and assets. The bucket also holds the claim of its database. */
  async function blobKeys(): Promise<string[]> {
    return (await state.blobKeys()).filter((key) => /\/(tasks|assets|content)\//.test(key));
  }

  /** Asserts that there is no lease, no waiting run, no duplicate and no orphan. */
  async function assertTidy(): Promise<void> {
    const sql = postgres(state.databaseUrl, { max: 1 });
    try {
      const deadline = performance.now() + 2 * LEASE_MS;
      for (;;) {
        const runs = await sql`select workflow_name, status, worker_id from openworkflow.workflow_runs
          where status not in ('completed', 'failed')`;
        const keys = (await blobKeys()).filter((key) => !/\/tasks\/[0-9a-f]{24}\/result\.arrow$/.test(key));
        if (runs.length === 0 && keys.length === 0) break;
        assert.ok(performance.now() < deadline, `left over: ${JSON.stringify(runs)} ${keys}`);
        await sleep(500);
      }
      const rows = await sql`select id, status from tasks order by id`;
      assert.deepEqual(
        rows.map(({ id, status }) => [id, status]),
        created.toSorted().map((id) => [id, 'ready']),
      );
      assert.equal((await blobKeys()).length, created.length, 'one result for each');
      const locks = await sql`select from pg_locks where locktype = 'advisory'`;
      assert.ok(locks.length <= 1, 'no lock stays: but for the maintenance that may run just now');
    } finally {
      await sql.end();
    }
  }

  function rounds(name: string, fault: Fault, skip?: string): void {
    test(name, { skip, timeout: ROUNDS * ROUND_TIMEOUT_MS }, async (t: TestContext) => {
      const random = seededRandom(t);
      for (let round = 0; round < ROUNDS; round++) {
        const asked = Promise.all([create(long()), ...Array.from({ length: SHORT_TASKS }, () => create(short()))]);
        await sleep(random(LATEST_MS));
        await fault(nodes, random);
        const [first, ...others] = await asked;
        assertSame((await finished(first!)).data, expected.long);
        for (const id of others) assertSame((await finished(id)).data, expected.short);
        await assertTidy();
      }
      t.diagnostic(`${ROUNDS} rounds, ${created.length} tasks so far`);
    });
  }

  rounds('kill -9 of a worker', async ({ workers }, random) => {
    const i = random(workers.length);
    await workers[i]!.kill();
    workers[i] = await work();
  });

  rounds('kill -9 of the API node', async (all) => {
    await all.api.kill();
    all.api = await serve();
  });

  rounds(
    'kill -9 of everything, PostgreSQL too',
    async (all) => {
      const nodes = [all.api, ...all.workers];
      await Promise.all([state.postgres.stop('immediate'), ...nodes.map((node) => node.kill())]);
      await state.postgres.start();
      all.api = await serve();
      all.workers.splice(0, 2, await work(), await work());
    },
    LONG,
  );

  rounds(
    'PostgreSQL crashes and comes back',
    async (_, random) => {
      await state.postgres.stop('immediate');
      await sleep(random(1000));
      await state.postgres.start();
    },
    LONG,
  );

  rounds(
    'PostgreSQL is away for 30 s',
    async () => {
      await state.postgres.stop();
      await sleep(30_000);
      await state.postgres.start();
    },
    LONG,
  );

  rounds('PostgreSQL has no connections left', async (_, random) => {
    const greedy = Array.from({ length: 60 }, () => postgres(state.databaseUrl, { max: 1, connect_timeout: 2 }));
    await state.postgres.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'reelvec'`);
    await Promise.all(greedy.map((sql) => sql`select 1`.catch(() => {})));
    await sleep(2000 + random(2000));
    await Promise.all(greedy.map((sql) => sql.end({ timeout: 1 })));
  });

  rounds(
    'S3 answers 503 to every sixth request, and breaks off as many',
    async (_, random) => {
      state.s3.faults(() => (['refuse', 'break-off', undefined, undefined, undefined, undefined] as const)[random(6)]);
      await sleep(4000);
      state.s3.faults(() => undefined);
    },
    LONG,
  );

  rounds(
    'S3 answers 500 to every sixth request, and falls silent in the middle of as many',
    async (_, random) => {
      state.s3.faults(() => (['fail', 'stall', undefined, undefined, undefined, undefined] as const)[random(6)]);
      await sleep(4000);
      state.s3.faults(() => undefined);
    },
    LONG,
  );

  rounds(
    'S3 is slow: every second request waits for three seconds',
    async (_, random) => {
      state.s3.faults(() => (['dawdle', undefined] as const)[random(2)]);
      await sleep(15_000);
      state.s3.faults(() => undefined);
    },
    LONG,
  );

  rounds(
    'a worker is frozen until its leases have run out, and thaws',
    async ({ workers }, random) => {
      const frozen = workers[random(workers.length)]!;
      process.kill(frozen.pid, 'SIGSTOP');
      await sleep(LEASE_MS + 5000);
      process.kill(frozen.pid, 'SIGCONT');
    },
    LONG,
  );

  rounds(
    'the disk of a worker is full',
    async ({ workers }) => {
      const disk = stack.use(smallDisk(join(folder, `disk-${created.length}`)));
      await workers.pop()!.stop();
      const { path } = disk;
      workers.push(await work({ REELVEC_DATA_DIR: path, REELVEC_CACHE_DIR: join(path, 'cache'), TMPDIR: path }));
      disk.fill();
      // The only node that can do the work.
      await workers.shift()!.stop();
      await Promise.all([create(long()), create(short())].map(async (id) => finished(await id)));
      assert.throws(() => appendFileSync(join(path, 'more'), 'x'.repeat(100_000)), { code: 'ENOSPC' });
      await workers.shift()!.stop();
      workers.push(await work(), await work());
    },
    LONG ?? NO_DISKS,
  );

  rounds('nodes are upgraded one after the other, to a version that changes the schema', async (all) => {
    const older = version;
    version = nextVersion(folder, older);
    // From before the schema changes until nothing old is left, no request is refused.
    const load = startLoad({
      servers: () => [all.api],
      clients: 3,
      pauseMs: 200,
      requests: [
        () => ({ method: 'POST', path: '/embed-v2/tasks', body: short(), status: 202 }),
        () => ({ method: 'GET', path: '/embed-v2/tasks', status: 200 }),
        () => ({ method: 'GET', path: `/embed-v2/tasks/${created[0]}`, status: 200 }),
      ],
    });
    for (let i = 0; i < all.workers.length; i++) {
      const old = all.workers[i]!;
      all.workers[i] = await work();
      assert.equal(await old.stop(), 0);
    }
    // A crashed node of the old version that restarts meets a newer schema; all others go on.
    const options = { dataDir: stack.use(temporaryFolder()).path, env: state.env, root: older };
    for (const start of [startServer, startWorker]) await assert.rejects(start(options), NEWER);
    const old = all.api;
    all.api = await serve();
    assert.equal(await old.stop(), 0);
    await load.stop();
    assert.deepEqual(load.failures, []);
    for (const { body } of load.answers.filter(({ status }) => status === 202)) {
      created.push(body._id);
      assertSame((await finished(body._id)).data, expected.short);
    }
  });

  rounds(
    'the clocks of the workers are ten minutes off, one before and one behind',
    async ({ workers }) => {
      const NODE_OPTIONS = `--import=${new URL('./support/shifted-clock.ts', import.meta.url)}`;
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
      workers.push(await work({ NODE_OPTIONS, REELVEC_TEST_CLOCK_SEC: '600' }));
      workers.push(await work({ NODE_OPTIONS, REELVEC_TEST_CLOCK_SEC: '-600' }));
      // Failed attempts are repeated soon, by either clock.
      state.s3.faults(() => 'fail');
      await sleep(3000);
      state.s3.faults(() => undefined);
    },
    LONG,
  );
});

/** Asserts that two results are equal to the byte, and reports the first difference. */
function assertSame(got: string, expected: string): void {
  if (got === expected) return;
  const items = [got, expected].map((text) => JSON.parse(`{${text}`).data as Record<string, unknown>[]);
  const [mine, theirs] = items as [Record<string, unknown>[], Record<string, unknown>[]];
  const differing = mine.findIndex((item, i) => JSON.stringify(item) !== JSON.stringify(theirs[i]));
  const brief = (item?: Record<string, unknown>) =>
    JSON.stringify({ ...item, embedding: (item?.['embedding'] as number[] | undefined)?.slice(0, 3) });
  assert.fail(
    `not the undisturbed result: ${mine.length} items for ${theirs.length}, the first that differs is number ` +
      `${differing}: ${brief(mine[differing])} for ${brief(theirs[differing])}`,
  );
}
