import { randomUUID } from 'node:crypto';
import type { Db } from '../database/open.ts';

/** A request that must be executed at most once. */
export interface OnceRequest {
  readonly owner: string;
  readonly key: string;
  /** Hash of the request; the same key with another one is refused. */
  readonly fingerprint: string;
}

/** The right to execute a request, until it is completed, released or taken over. */
export interface Claim {
  readonly owner: string;
  readonly key: string;
  readonly holder: string;
}

/** State of a key: `answer` is set once the request was executed; a growing `beat` shows that its holder is alive. */
export interface KeyState {
  readonly fingerprint: string;
  readonly holder: string;
  readonly beat: number;
  readonly answer?: string;
}

/**
 * Idempotency keys, shared by all nodes. A holder's heartbeat is a counter and not a time, because the clocks of two machines
 * may differ.
 */
export class IdempotencyKeys {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Claims the key. @returns the key's state if another request holds it */
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
    // Released between the two queries.
    if (!row) return this.claim({ owner, key, fingerprint });
    const { answer, ...state } = row;
    return { ...state, ...(answer !== null && { answer }) };
  }

  /** Takes the key over from a dead holder. @returns undefined if the holder's beat changed or another request was faster */
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

  /** Heartbeat of the holder. */
  async beat(claim: Claim): Promise<void> {
    await this.#held(claim)
      .set((e) => ({ beat: e('beat', '+', 1) }))
      .execute();
  }

  /**
   * Stores the answer in the transaction that creates the resource, so that both exist or neither.
   * @throws when the claim was taken over meanwhile
   */
  async complete(transaction: Db, claim: Claim, answer: string): Promise<void> {
    const { numUpdatedRows } = await this.#held(claim, transaction).set({ answer }).executeTakeFirst();
    if (numUpdatedRows !== 1n) throw new Error('Another request has taken the idempotency key over.');
  }

  /** Releases the key of a request that created nothing. */
  async release({ owner, key, holder }: Claim): Promise<void> {
    await this.#db
      .deleteFrom('idempotency_keys')
      .where('owner', '=', owner)
      .where('key', '=', key)
      .where('holder', '=', holder)
      .where('answer', 'is', null)
      .execute();
  }

  /** Deletes keys created before a time. @param before RFC 3339 */
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
