import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { COLUMNS } from '../database/columns.ts';
import { newId } from '../database/ids.ts';
import type { Db } from '../database/open.ts';
import type { KeysTable } from '../database/schema.ts';

/** An API key as it may be shown: the key itself is not kept. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** The first characters, to tell keys apart in a list. */
  readonly prefix: string;
  readonly createdAt: string;
  readonly revokedAt?: string;
}

/** Quotas of a single key, which override the settings. */
export interface KeyQuotas {
  readonly bytes?: number;
  readonly tasks?: number;
  readonly minutesPerDay?: number;
}

const KEY_BYTES = 32;
const PREFIX_LENGTH = 8;
const QUOTA_COLUMNS = ['quota_bytes', 'quota_tasks', 'quota_minutes_per_day'] as const;

/** API keys in the database, beside those of the settings. */
export class KeyRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Creates a key. The database stores only its hash, so its text is in the return value alone. */
  async create(name: string, quotas: KeyQuotas = {}): Promise<ApiKey & { readonly key: string }> {
    const key = `rvk_${randomBytes(KEY_BYTES).toString('base64url')}`;
    const made = { id: newId(), name, prefix: key.slice(0, PREFIX_LENGTH), createdAt: new Date().toISOString() };
    await this.#db
      .insertInto('keys')
      .values({
        id: made.id,
        name,
        hash: hashKey(key),
        prefix: made.prefix,
        created_at: made.createdAt,
        quota_bytes: quotas.bytes ?? null,
        quota_tasks: quotas.tasks ?? null,
        quota_minutes_per_day: quotas.minutesPerDay ?? null,
      })
      .execute();
    return { ...made, key };
  }

  /** Oldest first, the revoked ones too. */
  async list(): Promise<ApiKey[]> {
    const rows = await this.#db.selectFrom('keys').select(COLUMNS.keys).orderBy('id').execute();
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      prefix: row.prefix,
      createdAt: row.created_at,
      ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    }));
  }

  /** @returns false if no such key exists or it was revoked before */
  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('keys')
      .set({ revoked_at: new Date().toISOString() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** @returns the key with this text, unless it was revoked */
  async find(key: string): Promise<{ readonly id: string; readonly quotas: KeyQuotas } | undefined> {
    const hash = hashKey(key);
    const row = await this.#db
      .selectFrom('keys')
      .select(['id', 'hash', ...QUOTA_COLUMNS])
      .where('hash', '=', hash)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return row && sameHash(row.hash, hash) ? { id: row.id, quotas: quotasOf(row) } : undefined;
  }
}

/** Quotas of a key. A key of the settings has no row and no quotas of its own. */
export async function quotasOfKey(db: Db, id: string): Promise<KeyQuotas> {
  const row = await db.selectFrom('keys').select(QUOTA_COLUMNS).where('id', '=', id).executeTakeFirst();
  return row ? quotasOf(row) : {};
}

function quotasOf(row: Pick<Selectable<KeysTable>, (typeof QUOTA_COLUMNS)[number]>): KeyQuotas {
  return {
    ...quota('bytes', row.quota_bytes),
    ...quota('tasks', row.quota_tasks),
    ...quota('minutesPerDay', row.quota_minutes_per_day),
  };
}

/** PostgreSQL hands a bigint out as text. What is no number counts as not set. */
function quota<Name extends keyof KeyQuotas>(name: Name, stored: number | string | null): KeyQuotas {
  const value = stored === null ? Number.NaN : Number(stored);
  return value >= 0 ? { [name]: value } : {};
}

/** SHA-256 in lower-case hex. A key has 256 random bits: nothing slower is needed to keep it from being guessed. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Compares in a time that does not tell how much is equal. */
export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}
