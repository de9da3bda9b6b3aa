import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import { type Db, isShared } from './open.ts';

/** Flush of the write-ahead log, per open database. */
const logs = new WeakMap<Db, SharedFlush>();

/**
 * Runs statements, each as a transaction of its own, with commits that share a flush to disk off this thread. A plain
 * SQLite commit blocks the thread for milliseconds, during which nothing is received. The written data survives a power
 * cut once the promise resolves.
 */
export async function groupCommit<T>(db: Db, work: (connection: Db) => Promise<T>): Promise<T> {
  if (isShared(db)) return work(db);
  const result = await db.connection().execute(async (connection) => {
    // In WAL mode this only skips the flush of the log on each commit.
    await sql`pragma synchronous = normal`.execute(connection);
    try {
      return await work(connection);
    } finally {
      await sql`pragma synchronous = full`.execute(connection);
    }
  });
  const log = logs.get(db) ?? new SharedFlush(await logOf(db));
  logs.set(db, log);
  await log.flush();
  return result;
}

/** @returns the path of a database's write-ahead log; undefined for an in-memory database */
async function logOf(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  return rows[0]?.file ? `${rows[0].file}-wal` : undefined;
}

/** Flushes a file on request, one flush at a time. Requests during a flush share the next one. */
class SharedFlush {
  readonly #path: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isNameDurable = false;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  flush(): Promise<void> {
    this.#next ??= this.#afterThis();
    return this.#next;
  }

  async #afterThis(): Promise<void> {
    // The callers of that flush receive its error.
    await this.#running.catch(() => {});
    this.#running = this.#next!;
    this.#next = undefined;
    if (this.#path === undefined) return;
    await using file = await open(this.#path);
    await file.datasync();
    // The log file may be new: its name must be durable too.
    if (this.#isNameDurable) return;
    await using folder = await open(dirname(this.#path));
    await folder.sync();
    this.#isNameDurable = true;
  }
}
