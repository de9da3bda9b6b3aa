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

/** Queries that change rows; of others the count says nothing more than the rows do. */
const CHANGES = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/**
 * Kysely over postgres.js, such that a database that goes away takes nothing with it. Single queries go to the pool,
 * not to a reserved connection: postgres.js would put one that is broken back among the good ones when it is released,
 * and end the process with the next query.
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
  /** Used again: Kysely notes each that it has seen. */
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

/** Texts of queries that were made; there are few. */
const texts = new Map<string, string>();

/** The same text in one piece: Kysely joins it from hundreds, each of which is an object. */
function flat(text: string): string {
  const known = texts.get(text);
  if (known === undefined) texts.set(text, text);
  return known ?? text;
}

/**
 * The pool, until a transaction begins; then the connection that it has to itself.
 *
 * postgres.js gives each query closures of its own as properties, which V8 takes for methods and puts among what lives
 * long: a query stays in memory, with all that it names, until the whole heap is collected, and the collections between
 * copy it, tens of milliseconds at a time when there are hundreds of queries a second. So it is left with next to nothing.
 */
class PoolConnection implements DatabaseConnection {
  readonly #sql: postgres.Sql;
  #transaction: { sql: postgres.TransactionSql; end: PromiseWithResolvers<void>; over: Promise<void> } | undefined;
  /** Why the transaction cannot go on. */
  #broken: unknown;

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#broken !== undefined) throw this.#broken;
    const to = this.#transaction?.sql ?? this.#sql;
    const given = [...parameters];
    const result = await to.unsafe(flat(text), given as never[], { prepare: true }).finally(() => {
      given.length = 0;
    });
    const rows = [...result] as R[];
    result.length = 0;
    return { rows, ...(CHANGES.has(result.command) && { numAffectedRows: BigInt(result.count) }) };
  }

  // biome-ignore lint/correctness/useYield: there is nothing that streams
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Queries are not streamed here.');
  }

  /** postgres.js has a transaction end with a function: it is entered here, and left in `end`. */
  async begin(): Promise<void> {
    const begun = Promise.withResolvers<postgres.TransactionSql>();
    const end = Promise.withResolvers<void>();
    const over = this.#sql
      .begin((sql) => {
        begun.resolve(sql);
        return end.promise;
      })
      .then(() => {});
    over.catch((error) => {
      begun.reject(error);
      if (!(error instanceof RolledBack)) this.#broken = error;
    });
    this.#transaction = { sql: await begun.promise, end, over };
  }

  async end(how: 'commit' | 'roll back'): Promise<void> {
    const { end, over } = this.#transaction!;
    this.#transaction = undefined;
    // A query that has failed with its connection may tell of it before the transaction does.
    if (how === 'roll back') await new Promise(setImmediate);
    if (this.#broken !== undefined) {
      // Over already. The function stays where it is: left, it would end the transaction on a connection that is gone.
      if (how === 'commit') throw this.#broken;
      return;
    }
    if (how === 'commit') end.resolve();
    else end.reject(new RolledBack());
    await over.catch((error) => {
      // What is rolled back is so too where the connection has broken.
      if (how === 'commit') throw error;
    });
  }
}
