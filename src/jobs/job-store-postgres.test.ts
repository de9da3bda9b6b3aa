import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import { pino } from 'pino';
import postgres from 'postgres';
import { jobStoreContract } from '../../test/support/contracts/job-store.ts';
import { NO_POSTGRES, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { until } from '../../test/support/server.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';
import { PostgresJobStore } from './job-store-postgres.ts';

/** Longer than the database needs to deliver a notification on a busy machine. */
const DELIVERY_TIMEOUT_MS = 10_000;
/** Poll interval of claim loops. */
const POLL_INTERVAL_MS = 1000;
/** Longer than the interval in which a store merges its notifications. */
const QUIET_MS = 200;

let server: TestPostgres | undefined;
let shared: string;
before(async () => {
  if (NO_POSTGRES) return;
  server = await startPostgres({ fsync: 'off' });
  shared = await server.database();
});
after(() => server?.[Symbol.asyncDispose]());

/** Empties the database that the tests share: creating one takes longer than a test. @returns its URL */
async function emptyDatabase(): Promise<string> {
  const sql = postgres(shared, { max: 1, onnotice: () => {} });
  await sql`drop schema if exists openworkflow cascade`;
  await sql.end();
  return shared;
}

async function open(url?: string): Promise<PostgresJobStore & AsyncDisposable> {
  const jobs = await PostgresJobStore.open(url ?? (await emptyDatabase()));
  return Object.assign(jobs, { [Symbol.asyncDispose]: () => jobs.close() });
}

jobStoreContract('PostgreSQL', () => open(), { skip: NO_POSTGRES });

describe('PostgreSQL, shared by several nodes', { skip: NO_POSTGRES }, () => {
  /** Two nodes. `heard()` is the number of notifications that the second one has received. */
  async function twoNodes() {
    await using stack = new AsyncDisposableStack();
    const url = await emptyDatabase();
    const here = stack.use(await open(url));
    const other = stack.use(await open(url));
    let heard = 0;
    await other.listen(() => void heard++);
    heard = 0; // Subscribing notifies once.
    const all = stack.move();
    return { here, other, url, heard: () => heard, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }
  const run = (task: string) => ({ workflow: 'work', key: task, input: { owner: 'a', taskId: task } });
  const LEASE = { workerId: 'worker', leaseDurationMs: 30_000 };

  test('other nodes are notified of a new run, and of each run of a burst after it was created', async () => {
    await using nodes = await twoNodes();
    await nodes.here.create(run('first'));
    await until(() => nodes.heard() === 1, DELIVERY_TIMEOUT_MS, 'the other node is notified of one run');
    await sleep(QUIET_MS);
    await Promise.all(Array.from({ length: 30 }, (_, i) => nodes.here.create(run(`burst ${i}`))));
    await until(() => nodes.heard() >= 3, DELIVERY_TIMEOUT_MS, 'the other node is notified at the end of the burst');
    await sleep(QUIET_MS);
    assert.ok(nodes.heard() < 15, `${nodes.heard()} notifications of a burst of 30 runs`);
  });

  test('notifications are merged: the first goes out at once, those within its interval as one', async () => {
    await using nodes = await twoNodes();
    for (let i = 0; i < 100; i++) nodes.here.notifyNodes();
    await until(() => nodes.heard() === 2, DELIVERY_TIMEOUT_MS, 'the other node is notified twice');
    await sleep(QUIET_MS);
    assert.equal(nodes.heard(), 2);
    nodes.here.notifyNodes();
    await until(() => nodes.heard() === 3, DELIVERY_TIMEOUT_MS, 'the other node is notified again');
  });

  test('other nodes are notified of released leases, and of woken parents only if there are any', async () => {
    await using nodes = await twoNodes();
    await nodes.here.create(run('a'));
    await nodes.here.claim({ owner: 'a', subject: 'a' }, ['work'], LEASE);
    await until(() => nodes.heard() === 1, DELIVERY_TIMEOUT_MS, 'the other node is notified of the run');
    await sleep(QUIET_MS);
    await nodes.here.wakeParents();
    await sleep(QUIET_MS);
    assert.equal(nodes.heard(), 1);
    await nodes.here.release(['worker']);
    await until(() => nodes.heard() === 2, DELIVERY_TIMEOUT_MS, 'the other node is notified of the released lease');
    assert.equal((await nodes.other.waiting(['work'])).length, 1);
  });

  test('a run that two nodes create at the same time is created once', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.here, nodes.other];
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => stores[i % 2]!.create(run('a'))));
    const child = { version: null, config: {}, context: null, availableAt: null, deadlineAt: null };
    const parent = { parentStepAttemptNamespaceId: null, parentStepAttemptId: null };
    const children = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        stores[i % 2]!.backend.createWorkflowRun({
          ...{ ...child, ...parent, workflowName: 'child', idempotencyKey: 'a', input: { taskId: 'a' } },
        }),
      ),
    );
    assert.equal(new Set([...ids, ...children.map(({ id }) => id)]).size, 2);
    assert.equal((await nodes.here.waiting(['work', 'child'])).length, 2);
  });

  test('times are those of the database', async () => {
    await using jobs = await open();
    const [row] = await server!.query('select clock_timestamp() as now');
    assert.ok(Math.abs((await jobs.now()).getTime() - (row!['now'] as Date).getTime()) < 60_000);
  });

  test('a node uses six connections for its durable work, however many calls it makes, and one to listen', async () => {
    const url = await server!.database();
    const database = new URL(url).pathname.slice(1);
    const connections = async () =>
      (await server!.query(`select pid from pg_stat_activity where datname = '${database}'`)).length;
    {
      await using jobs = await open(url);
      await jobs.listen(() => {});
      await Promise.all(Array.from({ length: 60 }, () => jobs.now()));
      assert.equal(await connections(), 7);
    }
    await until(async () => (await connections()) === 0, DELIVERY_TIMEOUT_MS, 'all connections are closed');
  });

  test('runs are looked up by index, of which every write updates only those that are used', async () => {
    const url = await server!.database();
    const sql = postgres(url, { max: 1 });
    {
      await using jobs = await open(url);
      await jobs.create(run('a'));
      await jobs.waiting(['work']);
      // For a table this small, PostgreSQL would plan scans.
      await sql`analyze openworkflow.workflow_runs`;
      await jobs.claim({ owner: 'a', subject: 'a' }, ['work'], LEASE);
      const indexes = await sql`
        select indexname as name from pg_indexes where schemaname = 'openworkflow' and tablename = 'workflow_runs'`;
      const names = indexes.map(({ name }) => name);
      assert.ok(names.includes('reelvec_flows'));
      for (const columns of [
        'status_available_at_created_at',
        'status_created_at_desc',
        'workflow_name_status_created_at_desc',
      ])
        assert.ok(!names.includes(`workflow_runs_${columns}_idx`), `an index on ${columns}`);
    }
    // A connection reports its statistics at its end.
    const scans = async () => {
      const [row] = await sql`
        select seq_scan, idx_scan from pg_stat_user_tables where relname = 'workflow_runs'`;
      return row!;
    };
    await until(async () => Number((await scans())['idx_scan']) > 0, DELIVERY_TIMEOUT_MS, 'statistics are reported');
    const before = await scans();
    {
      await using jobs = await open(url);
      for (let i = 0; i < 20; i++) await jobs.waiting(['work']);
    }
    await until(
      async () => Number((await scans())['idx_scan']) > Number(before['idx_scan']),
      DELIVERY_TIMEOUT_MS,
      'statistics are reported',
    );
    const after = await scans();
    assert.ok(Number(after['seq_scan']) - Number(before['seq_scan']) < 10, 'scans of the table');
    await sql.end();
  });
});

describe('engines that share a PostgreSQL database', { skip: NO_POSTGRES }, () => {
  /** Engines whose loops learn of runs by notification only: their polls never end. */
  async function openEngines(t: TestContext) {
    const { setTimeout, setInterval } = globalThis;
    t.mock.method(globalThis, 'setTimeout', (run: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
      ms === POLL_INTERVAL_MS ? setTimeout(() => {}, 0) : setTimeout(run, ms, ...given),
    );
    // Without a reference: the heartbeat of an abandoned run never stops.
    t.mock.method(globalThis, 'setInterval', (run: () => void, ms?: number) => setInterval(run, ms).unref());
    await using stack = new AsyncDisposableStack();
    const url = await emptyDatabase();
    const engines: JobEngine[] = [];
    for (let node = 0; node < 2; node++) {
      const engine = await JobEngine.openShared(url, pino({ level: 'silent' }));
      engines.push(engine);
      stack.defer(async () => {
        await engine.releaseLeases();
        await engine.close();
      });
    }
    const all = stack.move();
    return { here: engines[0]!, other: engines[1]!, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }
  const idle = () => sleep(QUIET_MS);

  test('a run that one node starts is executed by the other at once, and so is its child by the first', async (t) => {
    await using engines = await openEngines(t);
    const child = defineWorkflow({ name: 'child' }, async () => 'done');
    const parent = defineWorkflow({ name: 'parent' }, ({ step }) => step.runWorkflow(child.spec, {}));
    engines.other.work({ workflows: [parent as AnyWorkflow], concurrency: 1 });
    engines.here.work({ workflows: [child as AnyWorkflow], concurrency: 1 });
    await idle();
    const id = await engines.here.start(parent, {}, 'a');
    const counted = async () => (await engines.here.count()).find(({ workflow }) => workflow === 'child');
    await until(
      async () => (await counted()) !== undefined || (await engines.here.statuses([id])).get(id) === 'completed',
      DELIVERY_TIMEOUT_MS,
      'the other node executes the parent',
    );
    await until(async () => (await counted()) === undefined, DELIVERY_TIMEOUT_MS, 'the first node executes the child');
  });

  test('a run whose lease a stopping node releases is executed by the other at once', async (t) => {
    await using engines = await openEngines(t);
    const begun: string[] = [];
    const workflow = (node: string) =>
      defineWorkflow({ name: 'work' }, async () => {
        begun.push(node);
        if (node === 'here') await new Promise(() => {});
      }) as AnyWorkflow;
    engines.here.work({ workflows: [workflow('here')], concurrency: 1 });
    const id = await engines.here.start(workflow('here'), {}, 'a');
    await until(() => begun.length === 1, DELIVERY_TIMEOUT_MS, 'the first node executes the run');
    engines.other.work({ workflows: [workflow('other')], concurrency: 1 });
    await idle();
    await engines.here.releaseLeases();
    await until(
      async () => (await engines.other.statuses([id])).get(id) === 'completed',
      DELIVERY_TIMEOUT_MS,
      'the other node executes the run',
    );
    assert.deepEqual(begun, ['here', 'other']);
  });
});
