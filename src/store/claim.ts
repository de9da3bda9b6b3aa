import { randomBytes } from 'node:crypto';
import { SetupError } from '../setup-error.ts';
import type { BlobStore } from './blobs.ts';
import type { Db } from './database.ts';
import { serverSecret } from './secrets.ts';

const PREFIX = 'database/';

/** The blobs belong to another database, whose server would lose them to this one's sweeper. */
export class BlobsOfAnother extends SetupError {}

/**
 * Makes sure that blobs are this database's: what no row names is removed, so two databases must not share a place.
 * @throws {BlobsOfAnother}
 */
export async function claimBlobs(db: Db, blobs: BlobStore, place: string): Promise<void> {
  const id = (await serverSecret(db, 'database')).toString('hex').slice(0, 32);
  const claims = await Array.fromAsync(blobs.list(PREFIX), ({ key }) => key);
  if (claims.includes(PREFIX + id)) return;
  if (claims.length > 0) {
    throw new BlobsOfAnother(
      `The media and results at ${place} belong to another database, and would be lost to this one. Give each database ` +
        `a folder or prefix of its own. If this one takes the other's place, remove ${claims[0]} there first.`,
    );
  }
  await blobs.write(PREFIX + id, randomBytes(1));
}
