import type { Db } from '../database/open.ts';
import { readNumber, writeNumber } from '../database/stored-numbers.ts';
import type { Logger } from '../observe/logger.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * True while nothing may expire. If the clock is more than a day past the last recorded time, the server was off or the
 * clock is wrong: whatever expired in between is kept for one more day. Records the time, and logs the start of a hold.
 * @param now milliseconds since 1970
 */
export async function isHeld({ db, log }: { db: Db; log: Logger }, now = Date.now()): Promise<boolean> {
  const sweptAt = await readNumber(db, 'swept_at_ms');
  const until = (await readNumber(db, 'held_until_ms')) ?? 0;
  const isGap = sweptAt !== undefined && now - sweptAt > DAY_MS;
  // At most a day from now, so that a clock that was ahead does not hold everything until its own time.
  const heldUntil = isGap ? now + DAY_MS : Math.min(until, now + DAY_MS);
  if (heldUntil !== until) await writeNumber(db, 'held_until_ms', heldUntil);
  // Callers ask every few seconds. A resolution of one minute suffices and spares the disk.
  if (sweptAt === undefined || Math.abs(now - sweptAt) >= MINUTE_MS) await writeNumber(db, 'swept_at_ms', now);
  if (isGap) {
    log.warn(
      { lastSweep: timeOf(sweptAt), heldUntil: timeOf(heldUntil) },
      'expiry held for a day: the clock is more than a day past the last sweep',
    );
  }
  return now < heldUntil;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
