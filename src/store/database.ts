import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';

export type Db = Kysely<Database>;

/**
 * Runs in the transaction that creates a row, and gets what was created: what must stand or fall with the row, such as
 * the answer to the request that asked for it.
 */
export type OnCreated<Created> = (transaction: Db, created: Created) => Promise<void>;

/** How long a writer waits for another process, say `reelvec keys create` beside a server, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens the embedded database and brings its schema up to date.
 * @param path a file, made when missing, or `:memory:`
 * @throws when the file was written by a newer reelvec
 */
export async function openDatabase(path: string): Promise<Db> {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const sqlite = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  // What was answered with 202 survives a power cut: FULL also where WAL would make do with less.
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const db = new Kysely<Database>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

async function migrate(db: Db): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (!error) return;
  if (error instanceof Error && /missing/.test(error.message)) {
    throw new Error('The data was written by a newer reelvec. Start that version, or use another data folder.', {
      cause: error,
    });
  }
  throw error;
}

/** Kysely's SQLite dialect expects better-sqlite3's interface; node:sqlite differs in how parameters are passed. */
function adapt(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => sqlite.close(),
    prepare(sql) {
      const statement = sqlite.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}
