import { randomBytes } from 'node:crypto';
import type { Db } from '../database/open.ts';

/**
 * Reads a secret of the server by name, and creates it on first use. All nodes that share the database get the same.
 * @returns 32 bytes
 */
export async function serverSecret(db: Db, name: string): Promise<Buffer> {
  const value = randomBytes(32).toString('hex');
  await db
    .insertInto('secrets')
    .values({ name, value })
    .onConflict((c) => c.doNothing())
    .execute();
  const kept = await db.selectFrom('secrets').select('value').where('name', '=', name).executeTakeFirstOrThrow();
  return Buffer.from(kept.value, 'hex');
}
