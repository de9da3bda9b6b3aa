import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql as statement } from 'kysely';
import { NO_POSTGRES, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { type ResettingProxy, resettingProxy } from '../../test/support/resetting-proxy.ts';
import { until } from '../../test/support/server.ts';
import { POSTGRES_OPTIONS } from './postgres.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { openPostgresPool } from './postgres-pool.ts';
import { isTransientQueryError } from './unavailable.ts';

const RETIRED_TTL_MS = 500;
/** Time limit for the answer to a query; a query on a broken pool is never answered. */
const ANSWER_TIMEOUT_MS = 15_000;
const STORM_RESETS = 50;

describe('a pool whose connections are reset', { skip: NO_POSTGRES }, () => {
  const stack = new AsyncDisposableStack();
  let server: TestPostgres;
  let proxy: ResettingProxy;
  let url: string;

  before(async () => {
    server = stack.use(await startPostgres({ fsync: 'off' }));
    const direct = new URL(await server.database());
    proxy = stack.use(await resettingProxy(Number(direct.port)));
    url = Object.assign(direct, { port: `${proxy.port}` }).href;
  });
  after(() => stack.disposeAsync());

  const openPool = (max: number, minAgeMs: number) =>
    openPostgresPool(url, { ...POSTGRES_OPTIONS, max }, { minAgeMs, retiredTtlMs: RETIRED_TTL_MS });

  async function answered<T>(query: PromiseLike<T>, name = 'the query'): Promise<T> {
    const over = new AbortController();
    const late = sleep(ANSWER_TIMEOUT_MS, undefined, { signal: over.signal }).then(() => assert.fail(`${name} hangs`));
    late.catch(() => {});
    try {
      return await Promise.race([query, late]);
    } finally {
      over.abort();
    }
  }

  for (const minAgeMs of [0, 1000]) {
    test(`a query sent between failure and close is rejected, later ones succeed: minimum age ${minAgeMs} ms`, async () => {
      const sql = openPool(1, minAgeMs);
      await using _ = { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
      await sql`select 1`;
      const running = sql`select pg_sleep(60)`.execute();
      await sleep(50);
      proxy.resetAll();
      await assert.rejects(answered(running), isTransientQueryError);
      // The socket has failed and closes after this phase of the event loop.
      await new Promise(setImmediate);
      await assert.rejects(answered(sql`select 1`), isTransientQueryError);
      assert.equal((await answered(sql`select 1 as one`))[0]?.['one'], 1);
    });
  }

  test('a pool that lost a connection frees the others at once when they are idle', async () => {
    const options = { ...POSTGRES_OPTIONS, max: 4, connection: { application_name: 'frees' } };
    const sql = openPostgresPool(url, options, { minAgeMs: 0, retiredTtlMs: 600_000 });
    await using _ = { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
    await Promise.all(Array.from({ length: 4 }, () => sql`select pg_sleep(0.2)`));
    const open = async () => {
      const [row] = await server.query(
        `select count(*)::int as open from pg_stat_activity where application_name = 'frees'`,
      );
      return row?.['open'];
    };
    await until(async () => (await open()) === 4, ANSWER_TIMEOUT_MS, 'all connections are open');
    proxy.resetOne();
    await until(async () => (await open()) === 0, ANSWER_TIMEOUT_MS, 'the connections are closed');
    assert.equal((await sql`select 1 as one`)[0]?.['one'], 1);
  });

  test('lists of texts are passed as they are', async () => {
    const sql = openPool(1, 0);
    await using _ = { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
    const texts = ['', 'a,b', '{"a": "\\n"}', "it's", 'null', 'two\nlines'];
    const rows = await sql`select * from unnest(${texts}::text[]) as text`;
    assert.deepEqual(
      rows.map((row) => row['text']),
      texts,
    );
    assert.equal((await sql`select 1 where 'a' = any(${[] as string[]})`).length, 0);
  });

  test('during repeated connection losses every query and transaction ends, with connection errors only, and later ones succeed', async (t) => {
    await using db = new Kysely<unknown>({ dialect: postgresDialect(openPool(4, 200)) });
    await statement`create table storm (worker int, pair int)`.execute(db);
    const storm = new AbortController();
    const unexpected: unknown[] = [];
    const counts = { done: 0, failed: 0 };
    const insert = (worker: number, pair: number, into: Kysely<unknown> = db) =>
      statement`insert into storm values (${worker}::int, ${pair}::int)`.execute(into);
    const insertPair = (worker: number, pair: number) =>
      db.transaction().execute(async (transaction) => {
        await insert(worker, pair, transaction);
        await insert(worker, pair, transaction);
      });
    const work = async (worker: number) => {
      for (let round = 0; !storm.signal.aborted; round++) {
        try {
          await answered<unknown>(worker % 2 === 0 ? insertPair(worker, round) : insert(worker, round));
          counts.done++;
        } catch (error) {
          counts.failed++;
          if (!isTransientQueryError(error)) unexpected.push(error);
        }
      }
    };
    const workers = Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker)));
    for (let resets = 0; resets < STORM_RESETS; await sleep(50)) if (proxy.resetOne()) resets++;
    storm.abort();
    await workers;
    t.diagnostic(`${STORM_RESETS} resets: ${counts.done} done, ${counts.failed} failed`);
    assert.deepEqual(unexpected, []);
    assert.ok(counts.failed > 0, 'the storm hit queries');

    // The last pool of the storm is replaced within its minimum age.
    await sleep(300);
    for (let n = 0; n < 50; n++) await answered(insert(-1, n), `query ${n} after the storm`);
    const { rows: halves } = await statement`
      select worker, pair from storm where worker >= 0 and worker % 2 = 0
      group by worker, pair having count(*) % 2 = 1`.execute(db);
    assert.deepEqual(halves, [], 'no transaction was committed in part');
  });
});
