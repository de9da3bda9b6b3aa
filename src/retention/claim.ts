import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../blobs/store.ts';
import type { Db } from '../database/open.ts';
import { incrementNumber, readNumber, writeNumber } from '../database/stored-numbers.ts';
import { serverSecret } from '../keys/secrets.ts';
import { SetupError } from '../setup-error.ts';
import { CLAIMS, compareBlobs } from './orphans.ts';

/**
 * Claim of a database on a blob store. Sweeps delete blobs without a row, so a store must belong to exactly one database and
 * not to an older copy of it. The blob `database/ID` is the claim: it names the database and has a counter. Each start and each
 * sweep increments the counter in the database and then writes it to the claim. A database with a lower counter than its claim
 * is an older copy.
 *
 * Nodes that share a database need no lock: a node reads the claim before the counter, and writes it after the increment, so
 * other nodes never make the claim appear ahead of the counter.
 */
export interface ClaimDeps {
  readonly db: Db;
  readonly blobs: BlobStore;
  /** Human-readable location of the blobs, for messages. */
  readonly place: string;
}

/** The blobs belong to another database, or to a newer copy of this one. */
export class BlobsRefused extends SetupError {}

const HOW_TO_GO_ON =
  'To go on with this database, run `reelvec doctor` with the same settings: with --claim the blobs become those of ' +
  'this database and all are kept, with --delete-unknown those that it does not know are deleted.';

interface Claim {
  readonly id: string;
  /** 0 for a claim of a version without counters. */
  readonly counter: number;
}

/**
 * Claims the blobs for the database, or renews its claim.
 * @throws {BlobsRefused} without changing anything, if the blobs belong to another database or a newer copy, or if either the
 *   database or the store is new and the other is not
 */
export async function claimBlobs(deps: ClaimDeps): Promise<void> {
  let found = await examineClaim(deps);
  if (found.refusal === undefined && !found.isClaimed) {
    // No database has a lower counter than 0, so the claim stays valid if the process crashes before the increment.
    await writeClaim(deps, 0);
    // Two databases that claim the store concurrently find each other's claims here.
    found = await examineClaim(deps);
  }
  if (found.refusal !== undefined) throw new BlobsRefused(found.refusal);
  await writeClaim(deps, await incrementNumber(deps.db, 'claim'));
}

/**
 * Transfers the blobs to the database. Deletes only the claims of other databases; sweeps keep the existing blobs without a row
 * (verdict `kept`).
 */
export async function takeOverBlobs({ db, blobs, place }: ClaimDeps): Promise<void> {
  const id = await databaseId(db);
  const claims = await readClaims(blobs);
  let newest = Date.now();
  for await (const { modifiedAt } of blobs.list('')) newest = Math.max(newest, modifiedAt.getTime());
  await writeNumber(db, 'kept_before_ms', newest);
  // Also ahead of a newer copy, which counts as the older one if it returns.
  const mine = claims.find((claim) => claim.id === id)?.counter ?? 0;
  const counter = Math.max((await readNumber(db, 'claim')) ?? 0, mine) + 1;
  await writeNumber(db, 'claim', counter);
  await writeClaim({ db, blobs, place }, counter);
  for (const claim of claims) if (claim.id !== id) await blobs.remove(CLAIMS + claim.id);
}

/** Checks the claim without changing it. @returns the reason for a refusal, with remedies */
export async function examineClaim({
  db,
  blobs,
  place,
}: ClaimDeps): Promise<{ readonly refusal?: string; readonly isClaimed: boolean }> {
  const id = await databaseId(db);
  const claims = await readClaims(blobs);
  const counter = (await readNumber(db, 'claim')) ?? 0;
  // Another node made the first claim between the two reads.
  if (claims.length === 0 && counter > 0 && (await readClaims(blobs)).length > 0)
    return examineClaim({ db, blobs, place });
  const refuse = (why: string) => ({ isClaimed: false, refusal: `${why} Nothing was changed. ${HOW_TO_GO_ON}` });

  const other = claims.find((claim) => claim.id !== id);
  if (other) {
    return refuse(
      `The media and results at ${place} belong to another database (${other.id}). If that one was moved, lost or not ` +
        'mounted, put it or a backup of it in its place. If this is another installation, give it a folder or prefix of its own.',
    );
  }
  const [mine] = claims;
  if (mine && mine.counter > counter) {
    return refuse(
      `The media and results at ${place} were last used with a newer copy of this database (start ${mine.counter}, here ` +
        `${counter}). If that copy still exists, put it back.`,
    );
  }
  if (mine) return { isClaimed: true };
  if (counter > 0) {
    return refuse(
      `The media and results of this database are not at ${place}. If their volume is not mounted, mount it. If they ` +
        'were moved, set REELVEC_BLOBS.',
    );
  }
  if (await knowsNone(db, blobs)) {
    return refuse(
      `There are media and results at ${place}, and this database knows none of them. If their database was moved, lost ` +
        'or not mounted, put it or a backup of it in its place. If this is another installation, give it a folder or ' +
        'prefix of its own.',
    );
  }
  return { isClaimed: false };
}

/** True if blobs exist and the database has no row for any: a new database. Databases of versions without claims have some. */
async function knowsNone(db: Db, blobs: BlobStore): Promise<boolean> {
  let isEmpty = true;
  for await (const { key, verdict } of compareBlobs({ db, blobs, graceMs: 0 })) {
    if (!key.startsWith('tasks/') && !key.startsWith('assets/')) continue;
    if (verdict !== 'unknown') return false;
    isEmpty = false;
  }
  return !isEmpty;
}

async function databaseId(db: Db): Promise<string> {
  return (await serverSecret(db, 'database')).toString('hex').slice(0, 32);
}

async function writeClaim({ db, blobs }: ClaimDeps, counter: number): Promise<void> {
  await blobs.write(CLAIMS + (await databaseId(db)), Buffer.from(`${JSON.stringify({ counter })}\n`));
}

function readClaims(blobs: BlobStore): Promise<Claim[]> {
  return Array.fromAsync(blobs.list(CLAIMS), async ({ key, size }) => {
    const id = key.slice(CLAIMS.length);
    // Versions without counters wrote one random byte.
    if (size === 1) return { id, counter: 0 };
    const text = (await buffer(blobs.read(key))).toString();
    const counter = /^\{"counter":(\d{1,15})[,}]/.exec(text)?.[1];
    if (counter === undefined)
      throw new SetupError(`The claim ${key} cannot be read. Nothing was changed. Remove it there to claim anew.`);
    return { id, counter: Number(counter) };
  });
}
