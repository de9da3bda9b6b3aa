import postgres from 'postgres';
import { rejectUnanswered } from './reject-unanswered.ts';

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
  const pool = new ReplacedPool(open, { minAgeMs, retiredTtlMs });
  const target = (() => {}) as unknown as postgres.Sql;
  return rejectUnanswered(
    new Proxy(target, {
      apply: (_, self, args) => Reflect.apply(pool.current, self, args),
      get: (_, name) => (name === 'end' || name === 'listen' ? pool[name] : Reflect.get(pool.current, name)),
    }),
  );
}

/** Pool that is replaced after the loss of a connection. */
class ReplacedPool {
  readonly #open: (onclose: () => void) => postgres.Sql;
  readonly #minAgeMs: number;
  readonly #retiredTtlMs: number;
  readonly #retired = new Map<postgres.Sql, NodeJS.Timeout>();
  #current: postgres.Sql;
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

  get current(): postgres.Sql {
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
    for (const timer of this.#retired.values()) clearTimeout(timer);
    const pools = [this.#current, ...this.#retired.keys(), ...(this.#listener ? [this.#listener] : [])];
    await Promise.all(pools.map((pool) => pool.end(options)));
  };

  #openNext(): postgres.Sql {
    this.#openedAtMs = performance.now();
    const pool = this.#open(() => {
      if (pool === this.#current) this.#replaceSoon();
    });
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
    const end = () => retired.end({ timeout: 0 }).finally(() => this.#retired.delete(retired));
    this.#retired.set(retired, setTimeout(end, this.#retiredTtlMs).unref());
  }
}
