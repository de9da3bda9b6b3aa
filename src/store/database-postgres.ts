import { Kysely } from 'kysely';
import postgres from 'postgres';
import { postgresDialect } from './postgres-dialect.ts';
import type { Database } from './schema.ts';

/** Connections of one node for its tables, at the most. Its durable work has some more: see docs/scale.md. */
const CONNECTIONS = 8;
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

/** Opens a database on a PostgreSQL server. Nothing is sent before the first query. */
export function openPostgres(url: string): Kysely<Database> {
  const client = postgres(url, { ...POSTGRES_OPTIONS, max: CONNECTIONS, types: NUMBERS });
  return new Kysely<Database>({ dialect: postgresDialect(client) });
}
