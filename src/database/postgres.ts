import { Kysely } from 'kysely';
import type postgres from 'postgres';
import { postgresDialect } from './postgres-dialect.ts';
import { openPostgresPool } from './postgres-pool.ts';
import type { Database } from './schema.ts';

/** Maximum connections of one node for its tables. Durable runs use some more: see docs/scale.md. */
const MAX_CONNECTIONS = 8;
/** Maximum connections of one node for commits that do not wait for the disk. */
const MAX_ASYNC_COMMIT_CONNECTIONS = 2;
/** Time limit of a connection attempt, after which the query fails with an unavailable database. Seconds. */
const CONNECT_TIMEOUT_SEC = 5;

/**
 * Parses int8 and numeric columns as numbers, as SQLite returns them, instead of postgres.js' text. Byte counts stay
 * exact.
 */
const NUMBER_TYPES = {
  // OIDs of int8 and numeric: pg_type.dat of PostgreSQL.
  number: { to: 701, from: [20, 1700], serialize: String, parse: Number },
};

/** Connection settings shared by all Postgres pools. */
export const POSTGRES_OPTIONS = {
  connect_timeout: CONNECT_TIMEOUT_SEC,
  // Drops notices such as "already exists, skipping".
  onnotice: () => {},
  connection: { application_name: 'reelvec' },
} as const;

/** Asynchronous commit: a crash of the database loses only the most recent commits, in order. */
export const ASYNC_COMMIT = { synchronous_commit: 'off' } as const;

/** Opens a PostgreSQL database. Connects with the first query. */
export function openPostgres(url: string): Kysely<Database> {
  return open(url, { max: MAX_CONNECTIONS });
}

/**
 * Opens the same database with asynchronous commits, for progress that a run can write again. A crash of the database
 * loses the last of it together with the later log records that mark the work as done, because the log is one and in
 * order. It never loses data from before the last commit of {@link openPostgres}. A node that outlives the crash goes on
 * from what it has in memory, so write here only what no later step of a run reads.
 */
export function openPostgresAsyncCommit(url: string): Kysely<Database> {
  return open(url, { max: MAX_ASYNC_COMMIT_CONNECTIONS, connection: ASYNC_COMMIT });
}

function open(url: string, { connection, ...options }: postgres.Options<never>): Kysely<Database> {
  const pool = openPostgresPool(url, {
    ...POSTGRES_OPTIONS,
    ...options,
    connection: { ...POSTGRES_OPTIONS.connection, ...connection },
    types: NUMBER_TYPES,
  });
  return new Kysely<Database>({ dialect: postgresDialect(pool) });
}
