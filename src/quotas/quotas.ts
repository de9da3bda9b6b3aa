import { sql } from 'kysely';
import { newId } from '../database/ids.ts';
import type { Db } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import { type KeyQuotas, quotasOfKey } from '../keys/repository.ts';
import { type RateLimit, RateLimited } from './rate-limit.ts';
import { mediaSecOf, runningTasks, storedBytes } from './usage.ts';

/** What a key may have; what is not set has no end. */
export interface QuotaLimits {
  /** Of assets, and of uploads under way. */
  readonly bytes?: number;
  /** At the same time. */
  readonly tasks?: number;
  /** Minutes of media that are embedded in a day, in UTC. */
  readonly minutesPerDay?: number;
}

/** When to try again where tasks have to end first, in seconds: nobody knows when they will. */
const TASK_RETRY_SEC = 15;
const DAY_MS = 24 * 3_600_000;
/** How long it is kept what a task has used. */
const KEPT_DAYS = 2;

/**
 * What each key may use. Everything is counted afresh, inside the transaction that makes the row that is counted: two
 * at the same time never both pass where there is room for one, on one node or on several.
 */
export class Quotas {
  readonly #db: Db;
  readonly #defaults: QuotaLimits;

  /** @param defaults for keys that have none of their own */
  constructor(db: Db, defaults: QuotaLimits) {
    this.#db = db;
    this.#defaults = defaults;
  }

  /** What a key may have: what it was made with, or else what the settings say. */
  limits(own: KeyQuotas): QuotaLimits {
    return { ...this.#defaults, ...own };
  }

  /**
   * To be called after a task's row was inserted, in its transaction.
   * @param task.mediaSec seconds of media that will be embedded, where they are known already
   * @param task.isQuery it has no row: the client waits for it
   * @param known the owner's limits, where somebody has looked
   * @throws {RateLimited} and the transaction must be rolled back
   */
  async admitTask(
    transaction: Db,
    task: { id: string; owner: string; mediaSec?: number; isQuery?: boolean },
    known?: QuotaLimits,
  ): Promise<void> {
    const limits = known ?? (await this.#limitsOf(transaction, task.owner));
    if (!limitsTasks(limits)) return;
    await takeTurn(transaction, task.owner);
    if (task.mediaSec !== undefined) await noteUse(transaction, { ...task, mediaSec: task.mediaSec });
    const [tasks, duration] = await this.#rates(transaction, task.owner, limits);
    // The row that asks is counted already, and is not there once it is refused.
    const withoutAsker = [
      tasks && { ...tasks, used: tasks.used - (task.isQuery ? 0 : 1) },
      duration && { ...duration, used: duration.used - (task.mediaSec ?? 0) },
    ];
    if (tasks && tasks.used > tasks.limit) {
      throw new RateLimited(
        `${tasks.limit} tasks may run at the same time with this key. Wait until one of them has ended.`,
        { exceeded: tasks, limits: withoutAsker, retryAfterSec: TASK_RETRY_SEC },
      );
    }
    // A length that is not known yet passes as long as anything is left, and is charged when it is.
    if (duration && (task.mediaSec === undefined ? duration.used >= duration.limit : duration.used > duration.limit)) {
      const before = duration.used - (task.mediaSec ?? 0);
      throw new RateLimited(
        `${minutes(duration.limit)} of media may be embedded in a day with this key; ${minutes(before)} were, and this task has ` +
          `${task.mediaSec === undefined ? 'more' : minutes(task.mediaSec)}. The day ends at midnight, UTC.`,
        { exceeded: duration, limits: withoutAsker, retryAfterSec: (nextDay() - Date.now()) / 1000 },
      );
    }
  }

  /**
   * Charges media that is embedded without a task, while the client waits.
   * @throws {RateLimited} and nothing is charged
   */
  admitMedia({ owner, mediaSec }: { owner: string; mediaSec: number }): Promise<void> {
    return this.#db
      .transaction()
      .execute((transaction) => this.admitTask(transaction, { id: newId(), owner, mediaSec, isQuery: true }));
  }

  /** Notes what a task uses, as soon as it is known; once, however often it is told. */
  charge(task: { id: string; owner: string; mediaSec: number }): Promise<void> {
    return noteUse(this.#db, task);
  }

  /**
   * To be called after a row was inserted that stands for stored bytes, in its transaction.
   * @throws usage_limit_exceeded, and the transaction must be rolled back
   */
  async admitBytes(transaction: Db, owner: string): Promise<void> {
    const { bytes: limit } = await this.#limitsOf(transaction, owner);
    if (limit === undefined) return;
    await takeTurn(transaction, owner);
    const used = await storedBytes(transaction, owner);
    if (used > limit) throw tooManyBytes(limit, used);
  }

  /** How many bytes can still be stored; no end where there is no quota. */
  async bytesLeft(owner: string): Promise<number> {
    const { bytes: limit } = await this.#limitsOf(this.#db, owner);
    return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - (await storedBytes(this.#db, owner)));
  }

  /** How a key's rates stand, those that are limited. */
  async rates(owner: string, known?: QuotaLimits): Promise<RateLimit[]> {
    const rates = await this.#rates(this.#db, owner, known ?? (await this.#limitsOf(this.#db, owner)));
    return rates.filter((rate) => rate !== undefined);
  }

  /** Forgets what counts no more. */
  async prune(): Promise<void> {
    const first = new Date(Date.now() - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10);
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

/** Whether tasks are counted at all: then they are counted in the transaction that makes them. */
export function limitsTasks({ tasks, minutesPerDay }: QuotaLimits): boolean {
  return tasks !== undefined || minutesPerDay !== undefined;
}

async function noteUse(
  db: Db,
  { id, owner, mediaSec }: { id: string; owner: string; mediaSec: number },
): Promise<void> {
  await db
    .insertInto('media_use')
    .values({ task_id: id, owner, day: today(), media_sec: mediaSec })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Makes the transactions of one owner wait for each other from here on: they lock the same row. */
async function takeTurn(transaction: Db, owner: string): Promise<void> {
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
