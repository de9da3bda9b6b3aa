import { randomBytes } from 'node:crypto';
import type { Db } from '../database/open.ts';

/**
 * A secret of the server, made the first time that it is asked for: the same after a restart and on every machine that
 * shares the database.
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
