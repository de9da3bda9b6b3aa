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

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    return new PoolConnection(this.#sql);
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

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#sql.end({ timeout: 5 });
  }
}

class RolledBack extends Error {}

/** The pool, until a transaction begins; then the connection that it has to itself. */
class PoolConnection implements DatabaseConnection {
  readonly #sql: postgres.Sql;
  #transaction: { sql: postgres.TransactionSql; end: PromiseWithResolvers<void>; over: Promise<void> } | undefined;
  /** Why the transaction cannot go on. */
  #broken: unknown;

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#broken !== undefined) throw this.#broken;
    const to = this.#transaction?.sql ?? this.#sql;
    const rows = await to.unsafe(text, parameters as never[], { prepare: true });
    return {
      rows: [...rows] as R[],
      ...(CHANGES.has(rows.command) && { numAffectedRows: BigInt(rows.count) }),
    };
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
