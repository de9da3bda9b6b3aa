import type { Db } from '../database/open.ts';

/**
 * Bytes of an owner's assets, counted once per content, plus the planned bytes of active uploads. Failed assets keep no
 * bytes.
 */
export async function storedBytes(db: Db, owner: string): Promise<number> {
  const contents = await db
    .selectFrom('contents')
    .select((e) => e.fn.sum<number | string | null>('size').as('bytes'))
    .where('owner', '=', owner)
    .executeTakeFirstOrThrow();
  // Content that is not hashed yet, and may turn out to be stored already.
  const assets = await db
    .selectFrom('assets')
    .select((e) => e.fn.sum<number | string | null>('size').as('bytes'))
    .where('owner', '=', owner)
    .where('status', '!=', 'failed')
    .where('content_id', 'is', null)
    .executeTakeFirstOrThrow();
  const uploads = await db
    .selectFrom('uploads')
    .select((e) => e.fn.sum<number | string | null>('total_size').as('bytes'))
    .where('owner', '=', owner)
    .where('status', '=', 'active')
    .executeTakeFirstOrThrow();
  return Number(contents.bytes ?? 0) + Number(assets.bytes ?? 0) + Number(uploads.bytes ?? 0);
}

/** Number of an owner's tasks that are processing. */
export async function runningTasks(db: Db, owner: string): Promise<number> {
  const { count } = await db
    .selectFrom('tasks')
    .select((e) => e.fn.countAll().as('count'))
    .where('owner', '=', owner)
    .where('status', '=', 'processing')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Seconds of media embedded for an owner on a day, including deleted tasks. @param day `YYYY-MM-DD`, UTC */
export async function mediaSecOf(db: Db, owner: string, day: string): Promise<number> {
  const { sec } = await db
    .selectFrom('media_use')
    .select((e) => e.fn.sum<number | null>('media_sec').as('sec'))
    .where('owner', '=', owner)
    .where('day', '=', day)
    .executeTakeFirstOrThrow();
  return Number(sec ?? 0);
}
