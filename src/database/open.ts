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
 * Runs in the transaction that creates a row, and gets what was created: what must stand or fall with the row, such as
 * the answer to the request that asked for it.
 */
export type OnCreated<Created> = (transaction: Db, created: Created) => Promise<void>;

/** Names of what one node does at a time. A number each, because that is what Postgres locks. */
const LOCKS = {
  migrations: 0x7265656c_01,
  firstKey: 0x7265656c_02,
  upkeep: 0x7265656c_03,
  sweep: 0x7265656c_04,
} as const;

/** How long a migration waits for a table. Milliseconds, less than the second after which PostgreSQL breaks deadlocks. */
const LOCK_WAIT_MS = 500;
const LOCK_PAUSE_MS = 250;
const LOCK_ATTEMPTS = 100;

/**
 * Opens the database and brings its schema up to date; of several nodes that start together, one does.
 * @param place a `postgres://` URL; or a SQLite file, made when missing; or `:memory:`
 * @throws {SetupError} when it cannot be opened or reached, or was written by a newer reelvec
 */
export async function openDatabase(place: string): Promise<Db> {
  try {
    return await open(place);
  } catch (error) {
    throw isPostgresUrl(place)
      ? asSetupError(error, `The database at ${withoutPassword(place)} cannot be used`, 'Check REELVEC_DATABASE_URL.')
      : asSetupError(error, `The database ${place} cannot be used`);
  }
}

function withoutPassword(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

async function open(place: string): Promise<Db> {
  const db = isPostgresUrl(place) ? openPostgres(place) : openSqlite(place);
  try {
    await withLock(db, 'migrations', () => migrate(db));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

/** Where a node's database is: where the settings say, or in its data folder. */
export function databaseLocation({
  databaseUrl,
  dataDir,
}: {
  databaseUrl?: string | undefined;
  dataDir: string;
}): string {
  return databaseUrl ?? join(dataDir, 'reelvec.db');
}

/** True for a SQLite file that `openDatabase` would make, or fill, because nothing is there. */
export function isNewDatabase(place: string): boolean {
  return !isPostgresUrl(place) && (statSync(place, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

export function isPostgresUrl(place: string): boolean {
  return /^postgres(ql)?:\/\//.test(place);
}

/** Whether other nodes may use the same database at the same time. */
export function isShared(db: Db): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Does something that nodes must not do at the same time: the others wait for their turn. With SQLite there are no
 * others. A node that dies gives its turn back, for its transaction ends with its connection.
 */
export async function withLock<T>(db: Db, name: keyof typeof LOCKS, work: () => Promise<T>): Promise<T> {
  if (!isShared(db)) return work();
  return db.transaction().execute(async (lock) => {
    await sql`select pg_advisory_xact_lock(${LOCKS[name]}::bigint)`.execute(lock);
    return work();
  });
}

/**
 * As {@link withLock}, but who comes second leaves it to the first.
 * @param options.minIntervalMs for what is enough to be done once in a while by whichever node: it is left too when it was
 *   last done less long ago, by the clock of the database
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

/** Whether something was last done so long ago, and takes note that it is done now if the transaction ends well. */
async function isDue(transaction: Db, name: string, minIntervalMs: number): Promise<boolean> {
  const { rows } = await sql`
    insert into last_done (name, at_ms) values (${name}, (extract(epoch from clock_timestamp()) * 1000)::bigint)
    on conflict (name) do update set at_ms = excluded.at_ms
    where last_done.at_ms <= excluded.at_ms - ${minIntervalMs}::bigint
    returning name`.execute(transaction);
  return rows.length > 0;
}

/** Whether the database refused to take away what a row refers to, or to refer to what is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  // SQLSTATE foreign_key_violation; SQLITE_CONSTRAINT_FOREIGNKEY
  return code === '23503' || errcode === 787;
}

async function migrate(db: Db): Promise<void> {
  const getMigrations = async () => (isShared(db) ? givingWay(migrations) : migrations);
  const migrator = new Migrator({ db, provider: { getMigrations } });
  for (let attempt = 1; ; attempt++) {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    if (isLockedOut(error) && attempt < LOCK_ATTEMPTS) await sleep(LOCK_PAUSE_MS);
    else throw explained(error);
  }
}

/**
 * Migrations that nodes of the version before do not notice: what would wait for a table that one of them uses holds up
 * all the others meanwhile, and may hold what that one waits for.
 */
function givingWay(all: Record<string, Migration>): Record<string, Migration> {
  const patient = ({ up }: Migration): Migration => ({
    async up(db) {
      await sql`set local lock_timeout = ${sql.lit(LOCK_WAIT_MS)}`.execute(db);
      await up(db);
    },
  });
  return Object.fromEntries(Object.entries(all).map(([name, migration]) => [name, patient(migration)]));
}

function isLockedOut(error: unknown): boolean {
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
