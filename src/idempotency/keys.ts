import { randomUUID } from 'node:crypto';
import type { Db } from '../database/open.ts';

/** A request that may be carried out once: whose it is, its key, and what it asks for. */
export interface OnceRequest {
  readonly owner: string;
  readonly key: string;
  /** Hash of the request; the same key with another one is refused. */
  readonly fingerprint: string;
}

/** The right to carry a request out, until it is completed, released or taken over. */
export interface Claim {
  readonly owner: string;
  readonly key: string;
  readonly holder: string;
}

/** How a key stands: `answer` once the request was carried out; `holder` and `beat` tell whether somebody is at it. */
export interface KeyState {
  readonly fingerprint: string;
  readonly holder: string;
  readonly beat: number;
  readonly answer?: string;
}

/**
 * Keys of requests that are to be carried out once, on whichever node they arrive. No clocks are compared, because
 * those of two machines may differ: a holder shows that it lives by counting.
 */
export class IdempotencyKeys {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Takes the key, unless somebody has: then tells how it stands. */
  async claim({ owner, key, fingerprint }: OnceRequest): Promise<Claim | KeyState> {
    const holder = randomUUID();
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('idempotency_keys')
      .values({ owner, key, fingerprint, holder, beat: 0, answer: null, created_at: new Date().toISOString() })
      .onConflict((c) => c.columns(['owner', 'key']).doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 1n) return { owner, key, holder };
    const row = await this.#db
      .selectFrom('idempotency_keys')
      .select(['fingerprint', 'holder', 'beat', 'answer'])
      .where('owner', '=', owner)
      .where('key', '=', key)
      .executeTakeFirst();
    // Released between the two looks.
    if (!row) return this.claim({ owner, key, fingerprint });
    const { answer, ...state } = row;
    return { ...state, ...(answer !== null && { answer }) };
  }

  /** Takes the key from a holder that no longer moves. @returns undefined when it did move, or somebody was faster */
  async takeOver({ owner, key }: OnceRequest, from: KeyState): Promise<Claim | undefined> {
    const holder = randomUUID();
    const { numUpdatedRows } = await this.#db
      .updateTable('idempotency_keys')
      .set({ holder, beat: from.beat + 1 })
      .where('owner', '=', owner)
      .where('key', '=', key)
      .where('holder', '=', from.holder)
      .where('beat', '=', from.beat)
      .where('answer', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows === 1n ? { owner, key, holder } : undefined;
  }

  /** Shows that the holder lives. */
  async beat(claim: Claim): Promise<void> {
    await this.#held(claim)
      .set((e) => ({ beat: e('beat', '+', 1) }))
      .execute();
  }

  /**
   * Writes the answer down, in the transaction that creates what it tells of: either both are there or neither.
   * @throws when the claim was taken over meanwhile
   */
  async complete(transaction: Db, claim: Claim, answer: string): Promise<void> {
    const { numUpdatedRows } = await this.#held(claim, transaction).set({ answer }).executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new Error('Another request has taken the idempotency key over.');
  }

  /** Gives the key back: nothing was created. */
  async release({ owner, key, holder }: Claim): Promise<void> {
    await this.#db
      .deleteFrom('idempotency_keys')
      .where('owner', '=', owner)
      .where('key', '=', key)
      .where('holder', '=', holder)
      .where('answer', 'is', null)
      .execute();
  }

  /** Forgets keys that are older. @param before RFC 3339 */
  async prune(before: string): Promise<void> {
    await this.#db.deleteFrom('idempotency_keys').where('created_at', '<', before).execute();
  }

  #held({ owner, key, holder }: Claim, db: Db = this.#db) {
    return db
      .updateTable('idempotency_keys')
      .where('owner', '=', owner)
      .where('key', '=', key)
      .where('holder', '=', holder)
      .where('answer', 'is', null);
  }
}
