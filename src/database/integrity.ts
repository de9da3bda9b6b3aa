import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Faults of one file that are told; more of them say no more. */
const MOST_FAULTS = 10;

/**
 * What SQLite finds wrong with a database file, a line each; nothing of a file that is not there. A server may be
 * using it.
 * @param options.deep compares indexes with their tables too, which takes about as long as reading all of it twice
 */
export function checkSqliteIntegrity(path: string, { deep }: { deep: boolean }): string[] {
  if (!existsSync(path)) return [];
  try {
    using sqlite = new DatabaseSync(path, { readOnly: true });
    const checked = sqlite.prepare(`PRAGMA ${deep ? 'integrity_check' : 'quick_check'}(${MOST_FAULTS})`).all();
    const dangling = sqlite.prepare('PRAGMA foreign_key_check').all();
    return [
      ...checked.map((row) => String(Object.values(row)[0])).filter((line) => line !== 'ok'),
      ...dangling
        .slice(0, MOST_FAULTS)
        .map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to what is not in ${parent}`),
    ];
  } catch (error) {
    // https://sqlite.org/rescode.html: SQLITE_CORRUPT and SQLITE_NOTADB, whose messages say all that is known
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode !== undefined && [11, 26].includes(errcode & 0xff)) return [message];
    throw error;
  }
}
