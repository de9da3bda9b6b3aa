import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { COLUMNS } from '../database/columns.ts';
import { newId } from '../database/ids.ts';
import type { Db } from '../database/open.ts';
import type { KeysTable } from '../database/schema.ts';

/** Public data of an API key. The text of the key is not stored. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** First characters of the key, which identify it in a list. */
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

/** Random bytes in a key. */
const KEY_BYTES = 32;
/** Characters of a key that are stored in clear. */
const PREFIX_LENGTH_CHARS = 8;
const QUOTA_COLUMNS = ['quota_bytes', 'quota_tasks', 'quota_minutes_per_day'] as const;

/** API keys in the database. Keys from the settings are not among them. */
export class KeyRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Creates a key. The database stores only its hash, so its text is in the return value alone. */
  async create(name: string, quotas: KeyQuotas = {}): Promise<ApiKey & { readonly key: string }> {
    const key = `rvk_${randomBytes(KEY_BYTES).toString('base64url')}`;
    const made = { id: newId(), name, prefix: key.slice(0, PREFIX_LENGTH_CHARS), createdAt: new Date().toISOString() };
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

  /** Lists all keys, oldest first, including revoked ones. */
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

  /** Revokes a key. @returns false if no active key has this id */
  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('keys')
      .set({ revoked_at: new Date().toISOString() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Finds the active key with this text. */
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

/** Quotas of a key. A key from the settings has no row, and so no quotas of its own. */
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

/** Parses a stored quota, which PostgreSQL may return as text. Anything but a number ≥ 0 counts as not set. */
function quota<Name extends keyof KeyQuotas>(name: Name, stored: number | string | null): KeyQuotas {
  const value = stored === null ? Number.NaN : Number(stored);
  return value >= 0 ? { [name]: value } : {};
}

/** SHA-256 in lower-case hex. A slow hash is unnecessary, because a key has 256 random bits. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Compares two hashes in constant time. */
export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}
