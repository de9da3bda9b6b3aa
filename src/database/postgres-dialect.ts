import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type postgres from 'postgres';

/** Commands that change rows. For others the row count adds nothing to the rows. */
const ROW_CHANGING_COMMANDS = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/**
 * Kysely dialect over postgres.js that survives the loss of the database. Single queries go to the pool instead of a
 * reserved connection: postgres.js would return a broken reserved connection to the pool on release, and crash the
 * process with the next query.
 */
export function postgresDialect(sql: postgres.Sql): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PoolDriver(sql),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class PoolDriver implements Driver {
  readonly #sql: postgres.Sql;
  /** Reused connections, because Kysely keeps a record of each one that it has seen. */
  readonly #free: PoolConnection[] = [];

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    return this.#free.pop() ?? new PoolConnection(this.#sql);
  }

  async beginTransaction(connection: PoolConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: PoolConnection): Promise<void> {
    await connection.end('commit');
  }

  async rollbackTransaction(connection: PoolConnection): Promise<void> {
    await connection.end('roll back');
  }

  async releaseConnection(connection: PoolConnection): Promise<void> {
    if (!connection.isBroken) this.#free.push(connection);
  }

  async destroy(): Promise<void> {
    await this.#sql.end({ timeout: 5 });
  }
}

class RolledBack extends Error {}

/**
 * Distinct query texts that are prepared. postgres.js and the server keep a prepared statement for each of them on every
 * connection; lists of varying length would make their number grow without bound. Later texts run unprepared.
 */
export const MAX_PREPARED_TEXTS = 500;
const queryTexts = new Map<string, string>();

/**
 * Interns a query text as one flat string: Kysely builds it from hundreds of pieces, each of which is an object.
 * @returns undefined for a new text once there are `MAX_PREPARED_TEXTS`
 */
function interned(text: string): string | undefined {
  const known = queryTexts.get(text);
  if (known !== undefined || queryTexts.size >= MAX_PREPARED_TEXTS) return known;
  queryTexts.set(text, text);
  return text;
}

interface Transaction {
  readonly sql: postgres.TransactionSql;
  readonly end: PromiseWithResolvers<void>;
  readonly over: Promise<void>;
  /** Rejects when the connection is lost: postgres.js may never settle a query of a transaction that is over. */
  readonly lost: Promise<never>;
}

/**
 * Connection to the pool, and during a transaction to the connection reserved for it.
 * postgres.js stores closures as properties of each query, which V8 treats as methods and allocates in the old
 * generation: a query stays in memory, with everything it references, until a full collection, and minor collections
 * copy it, tens of milliseconds at a time at hundreds of queries a second. Parameters and results are therefore emptied
 * after use.
 */
class PoolConnection implements DatabaseConnection {
  readonly #sql: postgres.Sql;
  #transaction: Transaction | undefined;
  /** Error that ended the transaction. */
  #broken: unknown;

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#broken !== undefined) throw this.#broken;
    const { sql: to, lost } = this.#transaction ?? { sql: this.#sql, lost: undefined };
    const given = [...parameters];
    const known = interned(text);
    const query = to.unsafe(known ?? text, given as never[], { prepare: known !== undefined }).finally(() => {
      given.length = 0;
    });
    const result = await (lost ? Promise.race([query, lost]) : query);
    const rows = [...result] as R[];
    result.length = 0;
    return { rows, ...(ROW_CHANGING_COMMANDS.has(result.command) && { numAffectedRows: BigInt(result.count) }) };
  }

  // biome-ignore lint/correctness/useYield: there is nothing that streams
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Queries are not streamed here.');
  }

  /** postgres.js scopes a transaction to a callback: it is entered here and left in `end`. */
  async begin(): Promise<void> {
    const begun = Promise.withResolvers<postgres.TransactionSql>();
    const end = Promise.withResolvers<void>();
    const over = this.#sql
      .begin((sql) => {
        begun.resolve(sql);
        return end.promise;
      })
      .then(() => {});
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    over.catch((error) => {
      begun.reject(error);
      if (error instanceof RolledBack) return;
      this.#broken = error;
      lost.reject(error);
    });
    this.#transaction = { sql: await begun.promise, end, over, lost: lost.promise };
  }

  async end(how: 'commit' | 'roll back'): Promise<void> {
    // Kysely rolls back after a commit that failed.
    if (!this.#transaction) return;
    const { end, over } = this.#transaction;
    this.#transaction = undefined;
    // A query that failed with its connection may reject before the transaction does.
    if (how === 'roll back') await new Promise(setImmediate);
    if (this.#broken !== undefined) {
      // Already over. The callback stays pending: settling it would end the transaction on a connection that is gone.
      if (how === 'commit') throw this.#broken;
      return;
    }
    if (how === 'commit') end.resolve();
    else end.reject(new RolledBack());
    await over.catch((error) => {
      // A broken connection rolls back as well.
      if (how === 'commit') throw error;
    });
  }
}
