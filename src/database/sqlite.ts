import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import type { Database } from './schema.ts';

/** How long a writer waits for another process, say `reelvec keys create` beside a server, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens the embedded database. @param path a file, made when missing, or `:memory:` */
export function openSqlite(path: string): Kysely<Database> {
  if (path !== ':memory:') makePrivately(path);
  const sqlite = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  // What was answered with 202 survives a power cut: FULL also where WAL would make do with less.
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  // SQLite's own lower() knows ASCII only; Postgres has a function of this name by migration 0005.
  sqlite.function('reelvec_fold', { deterministic: true }, (text) => String(text).toLowerCase());
  return new Kysely<Database>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) });
}

/** With the hashes of keys in it, the file is its owner's alone; SQLite gives -wal and -shm the mode of the file. */
function makePrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

/** Kysely's SQLite dialect expects better-sqlite3's interface; node:sqlite differs in how parameters are passed. */
function adapt(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => sqlite.close(),
    prepare(sql) {
      const statement = sqlite.prepare(sql);
      const reader = statement.columns().length > 0;
      // Otherwise an integer above 2^53 makes every query fail that reads its row.
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
