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
import { modelProblem } from '../start/models.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Checks the stored files against the database and the models of the bundle, and reports what it can repair.

Usage: reelvec doctor [--fix | --claim | --delete-unknown] [--deep]

Options:
  --fix             repairs what it finds; never removes more than a tenth of all blobs as orphans
  --claim           assigns the blob store to this database, if it belongs to another or a newer copy; keeps all blobs
  --delete-unknown  like --claim, and deletes every blob without a row in this database
  --deep            reads everything: hashes all media, decodes all results, checks every database index
  --data-dir PATH   data folder of the server (REELVEC_DATA_DIR)
  --database-url    PostgreSQL database, instead of the data folder (REELVEC_DATABASE_URL)
  --blobs PLACE     storage for media and results (REELVEC_BLOBS)

The server may be running: pending writes and removals are left alone, and so are blobs without a row that are less than
six hours old. A damaged database, or one that the blobs do not belong to, is never used for a check or a repair.
--claim and --delete-unknown need exclusive access to the data folder. With PostgreSQL, stop all servers first; there
--delete-unknown keeps blobs that are less than six hours old.

Exit code: 0 no problems, or all repaired; 1 problems remain; 2 the check failed.

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

/** Number of remaining problems, and how many of those found --fix can repair. */
interface Outcome {
  readonly left: number;
  readonly repairable: number;
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
    process.stderr.write(`reelvec: check failed: ${(error as Error).message}\n`);
    return;
  }
  if (outcome.left === 0) return;
  if (fix) throw new CommandError('Some problems could not be repaired.');
  throw new CommandError(
    outcome.repairable > 0 ? 'Run it with --fix to repair them.' : '--fix cannot repair these problems.',
  );
}

async function examine(config: Config, { fix, deep, claim, deleteUnknown }: Request): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const isEmbedded = config.databaseUrl === undefined;
  const takesOver = claim || deleteUnknown;
  const isAlone = isEmbedded && (takesOver || !isDataFolderInUse(config.dataDir));
  if (isEmbedded && takesOver) stack.use(lockDataFolder(config.dataDir));
  const blobs = stack.use(await openBlobStore(config));
  const place = databaseLocation(config);
  // Creating an empty database would hide that the old one is lost.
  const db = stack.use(await openDatabase(isNewDatabase(place) && !takesOver ? ':memory:' : place));
  const deps = { db, blobs, place: describeLocation(config.blobs) };
  if (takesOver) {
    await takeOver(deps, { deleteUnknown, graceMs: isAlone ? 0 : GRACE_MS });
    return { left: 0, repairable: 0 };
  }
  await requireClaim(deps);

  const models = await modelProblem(config);
  if (models !== undefined) process.stdout.write(`${models}\n`);
  let found = models === undefined ? 0 : 1;
  let repaired = 0;
  let repairable = 0;
  const dedupedMedia = new DedupedMedia(db, blobs);
  for await (const { problem, remedy, repair } of checkUp({ db, blobs, dedupedMedia }, { deep, isAlone })) {
    found++;
    if (repair) repairable++;
    if (!fix || !repair) {
      process.stdout.write(`${problem}${remedy ? ` With --fix, ${remedy}.` : ''}\n`);
      continue;
    }
    await repair();
    repaired++;
    process.stdout.write(`${problem} Repaired: ${remedy}.\n`);
  }
  process.stdout.write(found === 0 ? 'No problems found.\n' : `${found} found, ${repaired} repaired.\n`);
  return { left: found - repaired, repairable };
}

/** Refuses a database that the blobs do not belong to. @throws {CommandError} */
async function requireClaim(deps: ClaimDeps): Promise<void> {
  const { refusal } = await examineClaim(deps);
  if (refusal === undefined) return;
  const { total, unknown } = await countBlobs(compareBlobs({ ...deps, graceMs: 0 }));
  process.stdout.write(
    `${unknown.count} of ${total.count} blobs (${unknown.bytes} bytes) have no row in this database.\n`,
  );
  throw new CommandError(refusal);
}

async function takeOver(deps: ClaimDeps, { deleteUnknown, graceMs }: { deleteUnknown: boolean; graceMs: number }) {
  await takeOverBlobs(deps);
  process.stdout.write(`The media and results at ${deps.place} now belong to this database.\n`);
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
  const outcome = deleteUnknown ? 'were deleted' : 'without a row were kept; --delete-unknown deletes them';
  process.stdout.write(`${count} blobs (${bytes} bytes) ${outcome}.\n`);
}

/** Refuses a damaged database. @throws {CommandError} */
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
    'The blob store was not checked. Stop the server and copy the data folder; then restore a backup, ' +
      'or recover the readable rows with `sqlite3 FILE .recover`.',
  );
}
