import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../blobs/store.ts';
import type { Db } from '../database/open.ts';
import { incrementNumber, readNumber, writeNumber } from '../database/stored-numbers.ts';
import { serverSecret } from '../keys/secrets.ts';
import { SetupError } from '../setup-error.ts';
import { CLAIMS, compareBlobs } from './orphans.ts';

/**
 * The claim of a database on a store of blobs. Blobs that no row names are removed, so a store belongs to one database,
 * and to no older copy of it. The blob `database/ID` names the database and holds a counter. The database raises the
 * counter at each start and before each sweep, and the claim follows: a database whose counter is behind that of the
 * claim is a copy from before.
 *
 * Nodes that share a database need no lock. A claim is read before the counter and written after it was raised, so no
 * node finds the claim ahead of the counter because of another node.
 */
export interface ClaimDeps {
  readonly db: Db;
  readonly blobs: BlobStore;
  /** Human-readable location of the blobs, for messages. */
  readonly place: string;
}

/** The blobs must not be used with this database. */
export class BlobsRefused extends SetupError {}

const HOW_TO_GO_ON =
  'To go on with this database, run `reelvec doctor` with the same settings: with --claim the blobs become those of ' +
  'this database and all are kept, with --delete-unknown those that it does not know are deleted.';

interface Claim {
  readonly id: string;
  /** 0 for a claim from before there was a counter. */
  readonly counter: number;
}

/**
 * Claims the blobs for the database, or raises the counter of its claim.
 * @throws {BlobsRefused} when the blobs are another database's or a newer copy's, or when only one of the two is new;
 *   nothing was changed then
 */
export async function claimBlobs(deps: ClaimDeps): Promise<void> {
  let found = await examineClaim(deps);
  if (found.refusal === undefined && !found.isClaimed) {
    // With a counter that no database is behind: a crash before the next lines leaves a claim that holds.
    await writeClaim(deps, 0);
    // If another database came at the same time, both see each other here.
    found = await examineClaim(deps);
  }
  if (found.refusal !== undefined) throw new BlobsRefused(found.refusal);
  await writeClaim(deps, await incrementNumber(deps.db, 'claim'));
}

/**
 * Makes the blobs those of the database, whoever had them. Nothing but the old claims is removed, by the sweep
 * neither: blobs that are there and have no row are `kept`.
 */
export async function takeOverBlobs({ db, blobs, place }: ClaimDeps): Promise<void> {
  const id = await databaseId(db);
  const claims = await readClaims(blobs);
  let newest = Date.now();
  for await (const { modifiedAt } of blobs.list('')) newest = Math.max(newest, modifiedAt.getTime());
  await writeNumber(db, 'kept_before_ms', newest);
  // Ahead of the newer copy as well: should it come back, it is the older one.
  const mine = claims.find((claim) => claim.id === id)?.counter ?? 0;
  const counter = Math.max((await readNumber(db, 'claim')) ?? 0, mine) + 1;
  await writeNumber(db, 'claim', counter);
  await writeClaim({ db, blobs, place }, counter);
  for (const claim of claims) if (claim.id !== id) await blobs.remove(CLAIMS + claim.id);
}

/** Looks at the claim and changes nothing. @returns why the blobs must not be used, if so, and what can be done */
export async function examineClaim({
  db,
  blobs,
  place,
}: ClaimDeps): Promise<{ readonly refusal?: string; readonly isClaimed: boolean }> {
  const id = await databaseId(db);
  const claims = await readClaims(blobs);
  const counter = (await readNumber(db, 'claim')) ?? 0;
  // Another node has made the first claim in between.
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

/** True for a database that is new beside blobs that are not. One from before claims knows at least some of its blobs. */
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
    // One random byte, in the versions before the counter.
    if (size === 1) return { id, counter: 0 };
    const text = (await buffer(blobs.read(key))).toString();
    const counter = /^\{"counter":(\d{1,15})[,}]/.exec(text)?.[1];
    if (counter === undefined)
      throw new SetupError(`The claim ${key} cannot be read. Nothing was changed. Remove it there to claim anew.`);
    return { id, counter: Number(counter) };
  });
}
