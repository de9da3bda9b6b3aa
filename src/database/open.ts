import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, PostgresAdapter, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { asSetupError } from '../setup-error.ts';
import { migrations } from './migrations.ts';
import { NewerSchema } from './newer-schema.ts';
import { openPostgres } from './postgres.ts';
import type { Database } from './schema.ts';
import { openSqlite } from './sqlite.ts';

export type Db = Kysely<Database>;

/**
 * Callback within the transaction that inserts a row. Writes data that must be committed or rolled back with the row,
 * such as the response to the request.
 */
export type OnCreated<Created> = (transaction: Db, created: Created) => Promise<void>;

/** Advisory lock ids of Postgres. The names are stored in the table `last_done` and must not change. */
const LOCKS = {
  migrations: 0x7265656c_01,
  firstKey: 0x7265656c_02,
  upkeep: 0x7265656c_03,
  sweep: 0x7265656c_04,
} as const;

/** `lock_timeout` of migrations: below `deadlock_timeout` of PostgreSQL, which is one second. Milliseconds. */
const LOCK_TIMEOUT_MS = 500;
const LOCK_RETRY_DELAY_MS = 250;
const MAX_LOCK_ATTEMPTS = 100;

/**
 * Opens the database and migrates its schema. If several nodes start together, one of them migrates.
 * @param location a `postgres://` URL, a SQLite file (created if missing), or `:memory:`
 * @throws {SetupError} if the database cannot be opened or reached, or was written by a newer reelvec
 */
export async function openDatabase(location: string): Promise<Db> {
  try {
    return await open(location);
  } catch (error) {
    throw isPostgresUrl(location)
      ? asSetupError(
          error,
          `The database at ${withoutPassword(location)} cannot be used`,
          'Check REELVEC_DATABASE_URL.',
        )
      : asSetupError(error, `The database ${location} cannot be used`);
  }
}

function withoutPassword(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

async function open(location: string): Promise<Db> {
  const db = isPostgresUrl(location) ? openPostgres(location) : openSqlite(location);
  try {
    await withLock(db, 'migrations', () => migrate(db));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

/** Location of a node's database: REELVEC_DATABASE_URL, or a file in its data folder. */
export function databaseLocation({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined;
  dataDir: string;
}): string {
  return databaseUrl ?? join(dataDir, 'reelvec.db');
}

/** True for a SQLite file that is missing or empty. */
export function isNewDatabase(location: string): boolean {
  return !isPostgresUrl(location) && (statSync(location, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function isPostgresUrl(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location);
}

/** True if other nodes may use the database concurrently. */
export function isShared(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Runs work under a cluster-wide lock; other nodes wait. With SQLite there are no other nodes. The lock of a crashed
 * node is released with its connection.
 */
export async function withLock<T>(db: Db, name: keyof typeof LOCKS, work: () => Promise<T>): Promise<T> {
  if (!isShared(db)) return work();
  return db.transaction().execute(async (lock) => {
    await sql`select pg_advisory_xact_lock(${LOCKS[name]}::bigint)`.execute(lock);
    return work();
  });
}

/**
 * As {@link withLock}, but does nothing if another node holds the lock.
 * @param options.minIntervalMs also does nothing if any node ran the work within this time, by the clock of the
 *   database
 */
export async function tryWithLock(
  db: Db,
  name: keyof typeof LOCKS,
  work: () => Promise<void>,
  { minIntervalMs }: { minIntervalMs?: number } = {},
): Promise<void> {
  if (!isShared(db)) return work();
  await db.transaction().execute(async (lock) => {
    const taken = sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${LOCKS[name]}::bigint) as mine`;
    if (!(await taken.execute(lock)).rows[0]?.mine) return;
    if (minIntervalMs !== undefined && !(await isDue(lock, name, minIntervalMs))) return;
    await work();
  });
}

/** True if the work was last done at least `minIntervalMs` ago. Records the new time in the transaction. */
async function isDue(transaction: Db, name: string, minIntervalMs: number): Promise<boolean> {
  const { rows } = await sql`
    insert into last_done (name, at_ms) values (${name}, (extract(epoch from clock_timestamp()) * 1000)::bigint)
    on conflict (name) do update set at_ms = excluded.at_ms
    where last_done.at_ms <= excluded.at_ms - ${minIntervalMs}::bigint
    returning name`.execute(transaction);
  return rows.length > 0;
}

/** True if the database rejected a delete of a referenced row, or a reference to a missing one. */
export function isForeignKeyViolation(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  // SQLSTATE foreign_key_violation; SQLITE_CONSTRAINT_FOREIGNKEY
  return code === '23503' || errcode === 787;
}

async function migrate(db: Db): Promise<void> {
  const getMigrations = async () => (isShared(db) ? withLockTimeout(migrations) : migrations);
  const migrator = new Migrator({ db, provider: { getMigrations } });
  for (let attempt = 1; ; attempt++) {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    if (isLockTimeout(error) && attempt < MAX_LOCK_ATTEMPTS) await sleep(LOCK_RETRY_DELAY_MS);
    else throw explained(error);
  }
}

/**
 * Adds a lock timeout to migrations, so that running nodes of the previous version do not stall: a migration that waits
 * for a table lock blocks all later queries on the table, and may deadlock with the holder.
 */
function withLockTimeout(all: Record<string, Migration>): Record<string, Migration> {
  const limited = ({ up }: Migration): Migration => ({
    async up(db) {
      await sql`set local lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(db);
      await up(db);
    },
  });
  return Object.fromEntries(Object.entries(all).map(([name, migration]) => [name, limited(migration)]));
}

function isLockTimeout(error: unknown): boolean {
  // SQLSTATE lock_not_available
  return (error as { code?: unknown }).code === '55P03';
}

function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !/missing/.test(error.message)) return error;
  return new NewerSchema(
    'The data was written by a newer reelvec. Start that version, or use another data folder or database.',
    { cause: error },
  );
}
