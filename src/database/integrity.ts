import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Maximum faults reported per check of a file. */
const MAX_REPORTED_FAULTS = 10;

/**
 * Checks the integrity of a SQLite file, also while a server uses it.
 * @param options.deep also compares indexes with their tables, which takes about as long as reading the file twice
 * @returns one line per fault; none for a missing file
 */
export function checkSqliteIntegrity(path: string, { deep }: { deep: boolean }): string[] {
  if (!existsSync(path)) return [];
  try {
    using sqlite = new DatabaseSync(path, { readOnly: true });
    const checked = sqlite.prepare(`PRAGMA ${deep ? 'integrity_check' : 'quick_check'}(${MAX_REPORTED_FAULTS})`).all();
    const dangling = sqlite.prepare('PRAGMA foreign_key_check').all();
    return [
      ...checked.map((row) => String(Object.values(row)[0])).filter((line) => line !== 'ok'),
      ...dangling
        .slice(0, MAX_REPORTED_FAULTS)
        .map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to what is not in ${parent}`),
    ];
  } catch (error) {
    // SQLITE_CORRUPT and SQLITE_NOTADB (https://sqlite.org/rescode.html): the message describes the fault.
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode !== undefined && [11, 26].includes(errcode & 0xff)) return [message];
    throw error;
  }
}
