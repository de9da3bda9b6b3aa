import { join } from 'node:path';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { describeLocation, openBlobStore } from '../blobs/open.ts';
import type { Config } from '../config.ts';
import { checkSqliteIntegrity } from '../database/integrity.ts';
import { databaseLocation, isNewDatabase, openDatabase } from '../database/open.ts';
import { checkUp } from '../retention/checkup.ts';
import { type ClaimDeps, examineClaim, takeOverBlobs } from '../retention/claim.ts';
import { compareBlobs, countBlobs } from '../retention/orphans.ts';
import { GRACE_MS } from '../retention/sweep.ts';
import { isDataFolderInUse, keepFilesPrivate, lockDataFolder } from '../start/data-folder.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Compares what is stored with what the database knows of, and says what it would mend.

Usage: reelvec doctor [--fix | --claim | --delete-unknown] [--deep]

Options:
  --fix             mends what is found; never removes more than a tenth of all blobs for want of a row
  --claim           makes media and results those of this database, if they are another's or a newer copy's; keeps all
  --delete-unknown  does the same, and deletes every blob that no row of this database names
  --deep            reads everything: hashes all media, decodes all results, checks every index of the database
  --data-dir PATH   data folder of the server (REELVEC_DATA_DIR)
  --database-url    database of several servers, instead (REELVEC_DATABASE_URL)
  --blobs PLACE     where media and results live (REELVEC_BLOBS)

A server may be running: what it is about to write or to remove is left alone. Blobs without a row are looked at when
they are six hours old. Nothing is compared with a database that is itself damaged, or that the blobs do not belong to,
and nothing mended by it. --claim and --delete-unknown need the data folder for themselves; where servers share a
PostgreSQL database, stop them first: there --delete-unknown leaves alone what is younger than six hours.

Exit code: 0 all is in order, or mended; 1 something is not; 2 it could not be checked.

Examples:
  reelvec doctor
  reelvec doctor --deep --fix
`;

interface Request {
  readonly fix: boolean;
  readonly deep: boolean;
  readonly claim: boolean;
  readonly deleteUnknown: boolean;
}

/** How much is not in order, and how much of that --fix would mend. */
interface Outcome {
  readonly left: number;
  readonly mendable: number;
}

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, {
    fix: { type: 'boolean', default: false },
    deep: { type: 'boolean', default: false },
    claim: { type: 'boolean', default: false },
    'delete-unknown': { type: 'boolean', default: false },
  });
  if (positionals.length > 0) throw new UsageError('See reelvec doctor --help.');
  const { fix, deep, claim, 'delete-unknown': deleteUnknown } = values;
  if ([fix, claim, deleteUnknown].filter(Boolean).length > 1) {
    throw new UsageError('Give one of --fix, --claim and --delete-unknown.');
  }
  keepFilesPrivate();
  let outcome: Outcome;
  try {
    if (config.databaseUrl === undefined) requireSoundDatabases(config, { deep });
    outcome = await examine(config, { fix, deep, claim, deleteUnknown });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    process.exitCode = 2;
    process.stderr.write(`reelvec: it could not be checked: ${(error as Error).message}\n`);
    return;
  }
  if (outcome.left === 0) return;
  if (fix) throw new CommandError('Not all of it could be mended.');
  throw new CommandError(outcome.mendable > 0 ? 'Run it with --fix to mend it.' : '--fix mends none of it.');
}

async function examine(config: Config, { fix, deep, claim, deleteUnknown }: Request): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const isEmbedded = config.databaseUrl === undefined;
  const takesOver = claim || deleteUnknown;
  const isAlone = isEmbedded && (takesOver || !isDataFolderInUse(config.dataDir));
  if (isEmbedded && takesOver) stack.use(lockDataFolder(config.dataDir));
  const blobs = stack.use(await openBlobStore(config));
  const place = databaseLocation(config);
  // No file is made where a lost one belongs.
  const db = stack.use(await openDatabase(isNewDatabase(place) && !takesOver ? ':memory:' : place));
  const deps = { db, blobs, place: describeLocation(config.blobs) };
  if (takesOver) {
    await takeOver(deps, { deleteUnknown, graceMs: isAlone ? 0 : GRACE_MS });
    return { left: 0, mendable: 0 };
  }
  await requireClaim(deps);

  let found = 0;
  let mended = 0;
  let mendable = 0;
  const dedupedMedia = new DedupedMedia(db, blobs);
  for await (const { problem, remedy, mend } of checkUp({ db, blobs, dedupedMedia }, { deep, isAlone })) {
    found++;
    if (mend) mendable++;
    if (!fix || !mend) {
      process.stdout.write(`${problem}${remedy ? ` With --fix, ${remedy}.` : ''}\n`);
      continue;
    }
    await mend();
    mended++;
    process.stdout.write(`${problem} Mended: ${remedy}.\n`);
  }
  process.stdout.write(found === 0 ? 'All is in order.\n' : `${found} found, ${mended} mended.\n`);
  return { left: found - mended, mendable };
}

/** What a database that the blobs do not belong to says of them is not to be acted on. @throws {CommandError} */
async function requireClaim(deps: ClaimDeps): Promise<void> {
  const { refusal } = await examineClaim(deps);
  if (refusal === undefined) return;
  const { total, unknown } = await countBlobs(compareBlobs({ ...deps, graceMs: 0 }));
  process.stdout.write(
    `${unknown.count} of ${total.count} blobs (${unknown.bytes} bytes) are named by no row of this database.\n`,
  );
  throw new CommandError(refusal);
}

async function takeOver(deps: ClaimDeps, { deleteUnknown, graceMs }: { deleteUnknown: boolean; graceMs: number }) {
  await takeOverBlobs(deps);
  process.stdout.write(`The media and results at ${deps.place} are those of this database now.\n`);
  let count = 0;
  let bytes = 0;
  for await (const { key, size, why } of compareBlobs({ ...deps, graceMs })) {
    if (why === '') continue;
    count++;
    bytes += size;
    if (!deleteUnknown) continue;
    await deps.blobs.remove(key);
    process.stdout.write(`Deleted ${key} (${size} bytes): ${why}.\n`);
  }
  const outcome = deleteUnknown ? 'were deleted' : 'are named by no row and kept; --delete-unknown deletes them';
  process.stdout.write(`${count} blobs (${bytes} bytes) ${outcome}.\n`);
}

/** What a damaged database says of the store is not to be acted on. @throws {CommandError} */
function requireSoundDatabases({ dataDir }: Config, { deep }: { deep: boolean }): void {
  let damaged = false;
  for (const name of ['reelvec.db', 'jobs.db']) {
    const path = join(dataDir, name);
    const faults = checkSqliteIntegrity(path, { deep });
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
