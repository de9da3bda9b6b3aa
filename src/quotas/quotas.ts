import { sql } from 'kysely';
import { newId } from '../database/ids.ts';
import type { Db } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import { type KeyQuotas, quotasOfKey } from '../keys/repository.ts';
import { type RateLimit, RateLimited } from './rate-limit.ts';
import { mediaSecOf, runningTasks, storedBytes } from './usage.ts';

/** Quotas of a key. An undefined one is unlimited. */
export interface QuotaLimits {
  /** Bytes of assets and of active uploads. */
  readonly bytes?: number;
  /** Concurrent tasks. */
  readonly tasks?: number;
  /** Minutes of embedded media per day (UTC). */
  readonly minutesPerDay?: number;
}

/** `Retry-After` in seconds while too many tasks run. A guess, because the end of a task cannot be predicted. */
const TASK_RETRY_SEC = 15;
const DAY_MS = 24 * 3_600_000;
/** Retention of the recorded media use, in days. */
const USE_RETENTION_DAYS = 2;

/**
 * Enforces quotas per key. Usage is counted anew in the transaction that inserts the counted row, so concurrent requests
 * cannot exceed a quota together, on one node or on several.
 */
export class Quotas {
  readonly #db: Db;
  readonly #defaults: QuotaLimits;

  /** @param defaults quotas of keys without their own */
  constructor(db: Db, defaults: QuotaLimits) {
    this.#db = db;
    this.#defaults = defaults;
  }

  /** Limits of a key: its own quotas, and the defaults for the others. */
  limits(own: KeyQuotas): QuotaLimits {
    return { ...this.#defaults, ...own };
  }

  /**
   * Checks the quotas of a new task. Call it after the task's row was inserted, in the same transaction.
   * @param task.mediaSec seconds of media to embed, if known
   * @param task.isQuery true for a synchronous request, which has no row
   * @param known the owner's limits, if the caller has read them
   * @throws {RateLimited}; the caller must roll the transaction back
   */
  async admitTask(
    transaction: Db,
    task: { id: string; owner: string; mediaSec?: number; isQuery?: boolean },
    known?: QuotaLimits,
  ): Promise<void> {
    const limits = known ?? (await this.#limitsOf(transaction, task.owner));
    if (!limitsTasks(limits)) return;
    await lockOwner(transaction, task.owner);
    if (task.mediaSec !== undefined) await recordUse(transaction, { ...task, mediaSec: task.mediaSec });
    const [tasks, duration] = await this.#rates(transaction, task.owner, limits);
    // The new row is counted already, but is rolled back on refusal: headers must not include it.
    const withoutThis = [
      tasks && { ...tasks, used: tasks.used - (task.isQuery ? 0 : 1) },
      duration && { ...duration, used: duration.used - (task.mediaSec ?? 0) },
    ];
    if (tasks && tasks.used > tasks.limit) {
      throw new RateLimited(
        `${tasks.limit} tasks may run at the same time with this key. Wait until one of them has ended.`,
        { exceeded: tasks, limits: withoutThis, retryAfterSec: TASK_RETRY_SEC },
      );
    }
    // An unknown duration passes while any quota is left, and is charged once known.
    if (duration && (task.mediaSec === undefined ? duration.used >= duration.limit : duration.used > duration.limit)) {
      const before = duration.used - (task.mediaSec ?? 0);
      throw new RateLimited(
        `${minutes(duration.limit)} of media may be embedded in a day with this key; ${minutes(before)} were, and this task has ` +
          `${task.mediaSec === undefined ? 'more' : minutes(task.mediaSec)}. The day ends at midnight, UTC.`,
        { exceeded: duration, limits: withoutThis, retryAfterSec: (nextDay() - Date.now()) / 1000 },
      );
    }
  }

  /**
   * Charges media of a synchronous request.
   * @throws {RateLimited}; nothing is charged then
   */
  admitMedia({ owner, mediaSec }: { owner: string; mediaSec: number }): Promise<void> {
    return this.#db
      .transaction()
      .execute((transaction) => this.admitTask(transaction, { id: newId(), owner, mediaSec, isQuery: true }));
  }

  /** Charges the media of a task once its duration is known. Idempotent. */
  charge(task: { id: string; owner: string; mediaSec: number }): Promise<void> {
    return recordUse(this.#db, task);
  }

  /**
   * Checks the quota of stored bytes. Call it after the row of an asset or upload was inserted, in the same transaction.
   * @throws usage_limit_exceeded; the caller must roll the transaction back
   */
  async admitBytes(transaction: Db, owner: string): Promise<void> {
    const { bytes: limit } = await this.#limitsOf(transaction, owner);
    if (limit === undefined) return;
    await lockOwner(transaction, owner);
    const used = await storedBytes(transaction, owner);
    if (used > limit) throw tooManyBytes(limit, used);
  }

  /** Bytes that can still be stored; infinity without a quota. */
  async bytesLeft(owner: string): Promise<number> {
    const { bytes: limit } = await this.#limitsOf(this.#db, owner);
    return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - (await storedBytes(this.#db, owner)));
  }

  /** Usage of the limited rates of a key. */
  async rates(owner: string, known?: QuotaLimits): Promise<RateLimit[]> {
    const rates = await this.#rates(this.#db, owner, known ?? (await this.#limitsOf(this.#db, owner)));
    return rates.filter((rate) => rate !== undefined);
  }

  /** Deletes recorded use of past days. */
  async prune(): Promise<void> {
    const first = new Date(Date.now() - USE_RETENTION_DAYS * DAY_MS).toISOString().slice(0, 10);
    await this.#db.deleteFrom('media_use').where('day', '<', first).execute();
  }

  async #rates(db: Db, owner: string, { tasks, minutesPerDay }: QuotaLimits) {
    return Promise.all([
      tasks === undefined
        ? undefined
        : runningTasks(db, owner).then((used): RateLimit => ({ dimension: 'Task', limit: tasks, used })),
      minutesPerDay === undefined
        ? undefined
        : mediaSecOf(db, owner, today()).then(
            (used): RateLimit => ({ dimension: 'Duration', limit: minutesPerDay * 60, used, resetAt: nextDay() }),
          ),
    ]);
  }

  async #limitsOf(db: Db, owner: string): Promise<QuotaLimits> {
    return this.limits(await quotasOfKey(db, owner));
  }
}

/** True if tasks must be admitted in the transaction that creates them. */
export function limitsTasks({ tasks, minutesPerDay }: QuotaLimits): boolean {
  return tasks !== undefined || minutesPerDay !== undefined;
}

async function recordUse(
  db: Db,
  { id, owner, mediaSec }: { id: string; owner: string; mediaSec: number },
): Promise<void> {
  await db
    .insertInto('media_use')
    .values({ task_id: id, owner, day: today(), media_sec: mediaSec })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Serializes the rest of the transactions of one owner, which lock the same row. */
async function lockOwner(transaction: Db, owner: string): Promise<void> {
  await transaction
    .insertInto('owner_turns')
    .values({ owner, turn: 1 })
    .onConflict((c) => c.column('owner').doUpdateSet({ turn: sql`owner_turns.turn + 1` }))
    .execute();
}

function tooManyBytes(limit: number, wanted: number): ReelvecError {
  return new ReelvecError(
    'usage_limit_exceeded',
    `${limit} bytes may be stored with this key; with this there would be ${wanted}. Delete assets that are not needed.`,
    { details: { limit, wanted } },
  );
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function nextDay(): number {
  return (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
}

function minutes(sec: number): string {
  return `${Number((sec / 60).toFixed(1))} min`;
}
