import { join } from 'node:path';
import { Contents } from '../assets/contents.ts';
import type { Config } from '../config.ts';
import { checkUp } from '../retention/checkup.ts';
import { claimBlobs } from '../store/claim.ts';
import { databasePlace, openDatabase } from '../store/database.ts';
import { faultsOfSqlite } from '../store/integrity.ts';
import { describePlace, isOwnFolder, openBlobStore } from '../store/open-blobs.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Compares what is stored with what the database knows of, and says what it would mend.

Usage: reelvec doctor [--fix] [--deep]

Options:
  --fix            mends what is found
  --deep           reads everything: hashes all media, decodes all results, checks every index of the database
  --data-dir PATH  data folder of the server (REELVEC_DATA_DIR)
  --database-url   database of several servers, instead (REELVEC_DATABASE_URL)
  --blobs PLACE    where media and results live (REELVEC_BLOBS)

A server may be running: what it is about to write or to remove is left alone. Blobs without a row are looked at when
they are six hours old. Nothing is compared with a database that is itself damaged, and nothing mended by it.

Exit code: 0 all is in order, or mended; 1 something is not; 2 it could not be checked.

Examples:
  reelvec doctor
  reelvec doctor --deep --fix
`;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, { fix: { type: 'boolean' }, deep: { type: 'boolean' } });
  if (positionals.length > 0) throw new UsageError('See reelvec doctor --help.');
  let left: number;
  try {
    if (config.databaseUrl === undefined) requireSoundDatabases(config, { deep: values.deep ?? false });
    left = await examine(config, { fix: values.fix ?? false, deep: values.deep ?? false });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    process.exitCode = 2;
    process.stderr.write(`reelvec: it could not be checked: ${(error as Error).message}\n`);
    return;
  }
  if (left > 0) throw new CommandError(values.fix ? 'Not all of it could be mended.' : 'Run it with --fix to mend it.');
}

/** @returns how much is not in order */
async function examine(config: Config, { fix, deep }: { fix: boolean; deep: boolean }): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const db = await openDatabase(databasePlace(config));
  stack.defer(() => db.destroy());
  const blobs = stack.use(await openBlobStore(config));
  if (!isOwnFolder(config)) await claimBlobs(db, blobs, describePlace(config.blobs));
  const deps = { db, blobs, contents: new Contents(db, blobs) };
  let found = 0;
  let mended = 0;
  for await (const { problem, remedy, mend } of checkUp(deps, { deep })) {
    found++;
    if (!fix || !mend) {
      process.stdout.write(`${problem}${remedy ? ` With --fix, ${remedy}.` : ''}\n`);
      continue;
    }
    await mend();
    mended++;
    process.stdout.write(`${problem} Mended: ${remedy}.\n`);
  }
  process.stdout.write(found === 0 ? 'All is in order.\n' : `${found} found, ${mended} mended.\n`);
  return found - mended;
}

/** What a damaged database says of the store is not to be acted on. @throws {CommandError} */
function requireSoundDatabases({ dataDir }: Config, { deep }: { deep: boolean }): void {
  let damaged = false;
  for (const name of ['reelvec.db', 'jobs.db']) {
    const path = join(dataDir, name);
    const faults = faultsOfSqlite(path, { deep });
    if (faults.length === 0) continue;
    damaged = true;
    process.stdout.write(`The database ${path} is damaged:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
  }
  if (!damaged) return;
  throw new CommandError(
    'Nothing was compared with the store. Stop the server and keep a copy of the data folder; then restore a backup, ' +
      'or save with `sqlite3 FILE .recover` what can be read.',
  );
}
