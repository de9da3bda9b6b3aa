import type { Db } from '../database/open.ts';
import { readNumber, writeNumber } from '../database/stored-numbers.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * True while nothing may expire. If the clock is more than a day past the last time that was recorded, the server was
 * off or the clock is wrong, and what fell due in between must not go at once: it waits one more day. Records the time.
 * @param now milliseconds since 1970
 */
export async function isHeld(db: Db, now = Date.now()): Promise<boolean> {
  const sweptAt = await readNumber(db, 'swept_at_ms');
  const until = (await readNumber(db, 'held_until_ms')) ?? 0;
  const isGap = sweptAt !== undefined && now - sweptAt > DAY_MS;
  // Never more than a day from now, lest a wrong clock hold everything until its own time.
  const heldUntil = isGap ? now + DAY_MS : Math.min(until, now + DAY_MS);
  if (heldUntil !== until) await writeNumber(db, 'held_until_ms', heldUntil);
  // Called every few seconds: to the minute is exact enough, and spares the disk.
  if (sweptAt === undefined || Math.abs(now - sweptAt) >= MINUTE_MS) await writeNumber(db, 'swept_at_ms', now);
  return now < heldUntil;
}
