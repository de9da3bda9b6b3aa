import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import { type Db, isShared } from './open.ts';

/** What flushes the log of a database that is open. */
const logs = new WeakMap<Db, SharedFlush>();

/**
 * Runs statements, each a transaction of its own, whose commits do not wait for the disk on this thread: SQLite would,
 * milliseconds each, while nothing is received. The disk is waited for beside it, by all that commit meanwhile at once.
 * When the promise resolves, what was written survives a power cut, as with any other statement.
 */
export async function groupCommit<T>(db: Db, work: (connection: Db) => Promise<T>): Promise<T> {
  if (isShared(db)) return work(db);
  const result = await db.connection().execute(async (connection) => {
    // All that this leaves out in WAL mode is to flush the log with each commit.
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

/** @returns the path of a database's write-ahead log; of one in memory undefined */
async function logOf(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  return rows[0]?.file ? `${rows[0].file}-wal` : undefined;
}

/** Makes durable what is in a file when it is asked to, one flush at a time: who asks meanwhile shares the next one. */
class SharedFlush {
  readonly #path: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isNamed = false;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  flush(): Promise<void> {
    this.#next ??= this.#afterThis();
    return this.#next;
  }

  async #afterThis(): Promise<void> {
    // Whoever waits for that one has its error.
    await this.#running.catch(() => {});
    this.#running = this.#next!;
    this.#next = undefined;
    if (this.#path === undefined) return;
    await using file = await open(this.#path);
    await file.datasync();
    // The log may have begun with what is flushed here.
    if (this.#isNamed) return;
    await using folder = await open(dirname(this.#path));
    await folder.sync();
    this.#isNamed = true;
  }
}
