import postgres from 'postgres';
import { isQuery, type Query, rejectUnanswered } from './reject-unanswered.ts';

/** Minimum age of a pool before it is replaced, which bounds the pools that exist at a time. Milliseconds. */
const MIN_POOL_AGE_MS = 2000;
/** Time that a replaced pool has to finish its queries and transactions. Then the rest is rejected. Milliseconds. */
const RETIRED_POOL_TTL_MS = 10_000;

/**
 * Array parameters, all of which are `text[]` here. Otherwise postgres.js queries the array types on each new connection,
 * and a lost connection makes that query an unhandled rejection.
 */
const TEXT_ARRAY = {
  // OID of text[]: pg_type.dat of PostgreSQL.
  to: 1009,
  from: [],
  serialize: (texts: readonly string[]) =>
    `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`,
  parse: String,
};

/**
 * Opens a postgres.js pool that survives lost connections. Connects with the first query.
 *
 * postgres.js 3.4.9 reuses the state of a closed connection: bytes and a flush that were pending at the close stay pending,
 * so the connection never sends its next start-up message, and a query that was assigned to it after its failure is never
 * answered. A network that resets connections thus leaves a pool in which queries hang. Therefore a pool takes no further
 * queries after it lost a connection: a new pool takes its place, and whatever still hangs on the old one is rejected with
 * the code CONNECTION_DESTROYED. Queries that are resolved without an answer are rejected; see {@link rejectUnanswered}.
 */
export function openPostgresPool(
  url: string,
  options: postgres.Options<Record<string, postgres.PostgresType>>,
  limits: { readonly minAgeMs?: number; readonly retiredTtlMs?: number } = {},
): postgres.Sql {
  const { minAgeMs = MIN_POOL_AGE_MS, retiredTtlMs = RETIRED_POOL_TTL_MS } = limits;
  const types = { ...options.types, textArray: TEXT_ARRAY };
  // Connections have no maximum lifetime, because the close at its end would replace the pool.
  const fixed = { types, fetch_types: false, max_lifetime: null, idle_timeout: 0 };
  const open = (onclose: () => void) => postgres(url, { ...options, ...fixed, onclose }) as postgres.Sql;
  const pools = new ReplacedPools(open, { minAgeMs, retiredTtlMs });
  const target = (() => {}) as unknown as postgres.Sql;
  return rejectUnanswered(
    new Proxy(target, {
      apply: (_, self, args) => pools.current.tracked(Reflect.apply(pools.current.sql, self, args)),
      get: (_, name) => {
        if (name === 'end' || name === 'listen') return pools[name];
        if (name === 'unsafe' || name === 'begin') return pools.current[name];
        return Reflect.get(pools.current.sql, name);
      },
    }),
  );
}

/** Current pool, and those that it replaced and that still have queries. */
class ReplacedPools {
  readonly #open: (onclose: () => void) => postgres.Sql;
  readonly #minAgeMs: number;
  readonly #retiredTtlMs: number;
  readonly #retired = new Set<Pool>();
  #current: Pool;
  #listener: postgres.Sql | undefined;
  #openedAtMs = 0;
  #replacement: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(
    open: (onclose: () => void) => postgres.Sql,
    { minAgeMs, retiredTtlMs }: { minAgeMs: number; retiredTtlMs: number },
  ) {
    this.#open = open;
    this.#minAgeMs = minAgeMs;
    this.#retiredTtlMs = retiredTtlMs;
    this.#current = this.#openNext();
  }

  get current(): Pool {
    return this.#current;
  }

  /** Listens on a connection of its own, which postgres.js reopens after a loss. */
  readonly listen: postgres.Sql['listen'] = (channel, onNotify, onListen) => {
    this.#listener ??= this.#open(() => {});
    return this.#listener.listen(channel, onNotify, onListen);
  };

  /** Ends all pools. Queries in flight have `timeout` seconds. */
  readonly end: postgres.Sql['end'] = async (options) => {
    this.#hasEnded = true;
    clearTimeout(this.#replacement);
    const pools = [this.#current.sql, ...[...this.#retired].map(({ sql }) => sql)];
    if (this.#listener) pools.push(this.#listener);
    await Promise.all(pools.map((sql) => sql.end(options)));
  };

  #openNext(): Pool {
    this.#openedAtMs = performance.now();
    const pool = new Pool(
      this.#open(() => {
        if (pool === this.#current) this.#replaceSoon();
      }),
    );
    return pool;
  }

  #replaceSoon(): void {
    if (this.#hasEnded || this.#replacement) return;
    const waitMs = this.#openedAtMs + this.#minAgeMs - performance.now();
    if (waitMs <= 0) this.#replace();
    else this.#replacement = setTimeout(() => this.#replace(), waitMs).unref();
  }

  #replace(): void {
    this.#replacement = undefined;
    const retired = this.#current;
    this.#current = this.#openNext();
    this.#retired.add(retired);
    retired.retire(this.#retiredTtlMs).then(() => this.#retired.delete(retired));
  }
}

/** Pool of postgres.js with its queries and transactions in flight. */
class Pool {
  readonly sql: postgres.Sql;
  readonly #inFlight = new Set<{ reject(error: Error): void }>();
  #onIdle: (() => void) | undefined;

  constructor(sql: postgres.Sql) {
    this.sql = sql;
  }

  readonly unsafe = ((...args: Parameters<postgres.Sql['unsafe']>) =>
    this.tracked(this.sql.unsafe(...args))) as postgres.Sql['unsafe'];

  readonly begin = ((work: (sql: postgres.TransactionSql) => unknown) => {
    // Rejects with its connection when the pool ends.
    const transaction = { reject: () => {} };
    this.#inFlight.add(transaction);
    return this.sql.begin(work).finally(() => this.#settled(transaction));
  }) as postgres.Sql['begin'];

  /** Tracks a query from its execution to its end. Fragments of queries are never executed. */
  tracked<T>(made: T): T {
    if (!isQuery(made)) return made;
    const query: Query = made;
    const { handler, resolve, reject } = query;
    query.handler = (executed) => {
      this.#inFlight.add(query);
      handler(executed);
    };
    query.resolve = (result) => {
      this.#settled(query);
      resolve(result);
    };
    query.reject = (error) => {
      this.#settled(query);
      reject(error);
    };
    return made;
  }

  /** Ends the pool once nothing is in flight, so that it frees its connections; after `ttlMs` it rejects the rest. */
  async retire(ttlMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      setTimeout(resolve, ttlMs).unref();
      // A query may be under way from its creation to its execution.
      setImmediate(() => this.#settled(undefined));
    });
    const error = Object.assign(new Error('The connection broke.'), { code: 'CONNECTION_DESTROYED' });
    for (const { reject } of [...this.#inFlight]) reject(error);
    await this.sql.end({ timeout: 0 });
  }

  #settled(done: { reject(error: Error): void } | undefined): void {
    if (done) this.#inFlight.delete(done);
    if (this.#inFlight.size === 0) this.#onIdle?.();
  }
}
