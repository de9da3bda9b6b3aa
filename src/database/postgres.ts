import { Kysely } from 'kysely';
import postgres from 'postgres';
import { postgresDialect } from './postgres-dialect.ts';
import { rejectUnanswered } from './reject-unanswered.ts';
import type { Database } from './schema.ts';

/** Connections of one node for its tables, at the most. Its durable work has some more: see docs/scale.md. */
const CONNECTIONS = 8;
const NOTE_CONNECTIONS = 2;
/** How long a connection is tried for, in seconds; whoever asked is told then that the database cannot be reached. */
const CONNECT_TIMEOUT_SEC = 5;

/** What sizes and counts come as: a number, as from SQLite. Postgres' text for them fits for as long as bytes do. */
const NUMBERS = {
  // int8 and numeric: pg_type.dat of PostgreSQL
  number: { to: 701, from: [20, 1700], serialize: String, parse: Number },
};

/** Settings that every connection of reelvec to Postgres shares. */
export const POSTGRES_OPTIONS = {
  connect_timeout: CONNECT_TIMEOUT_SEC,
  // "already exists, skipping" is no news
  onnotice: () => {},
  connection: { application_name: 'reelvec' },
} as const;

/** Commits do not wait for the disk: a crash of the database takes back the last of them, never one from before another. */
export const ASYNC_COMMIT = { synchronous_commit: 'off' } as const;

/** Opens a database on a PostgreSQL server. Nothing is sent before the first query. */
export function openPostgres(url: string): Kysely<Database> {
  return open(url, { max: CONNECTIONS });
}

/**
 * The same database for what runs write of their work, whose commits do not wait for the disk. A crash of the database
 * takes the last of it back, and with it what the run wrote behind it, by which it would not be done again: the log is one
 * and in order. It takes back nothing from before what {@link openPostgres} wrote last.
 */
export function openPostgresAsyncCommit(url: string): Kysely<Database> {
  return open(url, { max: NOTE_CONNECTIONS, connection: ASYNC_COMMIT });
}

function open(url: string, { connection, ...options }: postgres.Options<never>): Kysely<Database> {
  const client = postgres(url, {
    ...POSTGRES_OPTIONS,
    ...options,
    connection: { ...POSTGRES_OPTIONS.connection, ...connection },
    types: NUMBERS,
  });
  return new Kysely<Database>({ dialect: postgresDialect(rejectUnanswered(client)) });
}
