import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { makeFolderSync } from '../make-folder.ts';
import type { Database } from './schema.ts';

/**
 * Time that a writer waits for the lock of another process, such as `reelvec keys create` beside a server.
 * Milliseconds.
 */
const BUSY_TIMEOUT_MS = 5000;

/** Opens the embedded database. @param path a file, created if missing, or `:memory:` */
export function openSqlite(path: string): Kysely<Database> {
  if (path !== ':memory:') createPrivateFile(path);
  const sqlite = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  // FULL even in WAL mode, where NORMAL may lose the last commits: a request answered with 202 must survive a power
  // cut.
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  // SQLite's lower() handles ASCII only. Migration 0005 creates this function in Postgres.
  sqlite.function('reelvec_fold', { deterministic: true }, (text) => String(text).toLowerCase());
  return new Kysely<Database>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) });
}

/**
 * Creates the file readable by its owner only, because it holds key hashes. SQLite copies the mode to -wal and -shm.
 */
function createPrivateFile(path: string): void {
  makeFolderSync(dirname(path), 0o700);
  closeSync(openSync(path, 'a', 0o600));
}

/**
 * Adapts node:sqlite to the interface of better-sqlite3, which Kysely's dialect expects. They pass parameters
 * differently.
 */
function adapt(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => sqlite.close(),
    prepare(sql) {
      const statement = sqlite.prepare(sql);
      const reader = statement.columns().length > 0;
      // Without it, an integer above 2^53 makes every query of its row fail.
      statement.setReadBigInts(reader);
      return {
        reader,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])).map(withNumbers),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])).map(withNumbers),
      };
    },
  };
}

function withNumbers(row: Record<string, SQLOutputValue>): Record<string, SQLOutputValue> {
  for (const [name, value] of Object.entries(row)) if (typeof value === 'bigint') row[name] = Number(value);
  return row;
}
