import { sql, type Updateable } from 'kysely';
import { COLUMNS } from '../database/columns.ts';
import type { Db, OnCreated } from '../database/open.ts';
import { type Page, selectNewestFirst } from '../database/page.ts';
import type { AssetsTable } from '../database/schema.ts';
import { storedObject } from '../database/stored-json.ts';
import type { MediaKind } from '../domain/media-kind.ts';
import type { ErrorCode } from '../errors.ts';
import { type RunPage, startedRows } from '../jobs/rows-with-runs.ts';
import type { MediaInfo } from '../media/info.ts';

type AssetStatus = AssetsTable['status'];
type AssetMethod = AssetsTable['method'];
/** State of an extra requested with an asset. */
type ExtraStatus = 'pending' | 'ready' | 'error';
/** Custom fields that a client attaches to an asset. */
export type UserMetadata = Readonly<Record<string, string | number | boolean>>;

export interface Asset {
  readonly id: string;
  readonly owner: string;
  readonly method: AssetMethod;
  readonly status: AssetStatus;
  readonly filename: string;
  /** MIME type detected from the content; set once probed, mostly earlier. */
  readonly fileType?: string;
  /** Set once ready. */
  readonly media?: MediaInfo;
  readonly userMetadata?: UserMetadata;
  readonly sourceUrl?: string;
  /** SHA-256 of the media, if known from the write. */
  readonly sha256?: string;
  /** Content with the media: the asset's own id or another asset's. Set once prepared. */
  readonly contentId?: string;
  /** Type declared by a multipart upload. */
  readonly declaredType?: MediaKind;
  /** Set if requested. */
  readonly hls?: ExtraStatus;
  readonly thumbnail?: ExtraStatus;
  readonly error?: { readonly code: string; readonly message: string };
  readonly runId?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface NewAsset
  extends Pick<
    Asset,
    'id' | 'owner' | 'method' | 'filename' | 'fileType' | 'userMetadata' | 'sourceUrl' | 'declaredType' | 'sha256'
  > {
  /** Bytes, if already stored. */
  readonly size?: number;
  /** True if requested. */
  readonly hls?: boolean;
  readonly thumbnail?: boolean;
}

export interface AssetFilter {
  readonly ids?: readonly string[];
  /** Top-level MIME types. */
  readonly types?: readonly string[];
  /** Part of the file name, case-insensitive. */
  readonly filename?: string;
}

/** Assets in the database. A `ready` or `failed` asset does not change until it is deleted. */
export class AssetRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  create(asset: NewAsset, onCreated?: OnCreated<Asset>): Promise<Asset> {
    return this.#db.transaction().execute(async (transaction) => {
      const created = await insertAsset(transaction, asset);
      await onCreated?.(transaction, created);
      return created;
    });
  }

  /** An asset by id, restricted to an owner if given. */
  async get(id: string, owner?: string): Promise<Asset | undefined> {
    let query = this.#db.selectFrom('assets').select(COLUMNS.assets).where('id', '=', id);
    if (owner !== undefined) query = query.where('owner', '=', owner);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /** Assets of an owner, newest first. */
  async list(owner: string, filter: AssetFilter, page: Page): Promise<{ assets: Asset[]; total: number }> {
    let query = this.#db.selectFrom('assets').where('owner', '=', owner);
    const { ids, types, filename } = filter;
    if (ids) query = query.where('id', 'in', ids);
    if (types) query = query.where((e) => e.or(types.map((type) => e('file_type', 'like', `${type}/%`))));
    if (filename !== undefined) {
      const part = `%${filename.replace(/[\\%_]/g, '\\$&')}%`;
      query = query.where(sql<boolean>`reelvec_fold(filename) like reelvec_fold(${part}) escape '\\'`);
    }
    const { rows, total } = await selectNewestFirst('assets', query, page);
    return { assets: rows.map(fromRow), total };
  }

  /** @param thumbnail outcome, if a thumbnail was requested */
  async setReady(id: string, media: MediaInfo, thumbnail?: 'ready' | 'error'): Promise<void> {
    await this.#update(id, {
      ...(thumbnail && { thumbnail }),
      status: 'ready',
      file_type: media.mimeType,
      size: media.size,
      duration_sec: media.image ? null : media.durationSec,
      media: JSON.stringify(media),
    });
  }

  async setFailed(id: string, error: { code: ErrorCode; message: string }): Promise<void> {
    await this.#update(id, {
      status: 'failed',
      error_code: error.code,
      error_message: error.message,
      content_id: null,
    });
  }

  /** Records the size of downloaded media. @param onSet runs in the same transaction; it may throw */
  setSize(id: string, size: number, onSet: (transaction: Db) => Promise<void>): Promise<void> {
    return this.#db.transaction().execute(async (transaction) => {
      await transaction.updateTable('assets').set({ size }).where('id', '=', id).execute();
      await onSet(transaction);
    });
  }

  async setRun(id: string, runId: string): Promise<void> {
    await this.#db.updateTable('assets').set({ run_id: runId }).where('id', '=', id).execute();
  }

  /** Assets in preparation without a run. */
  async unstarted(): Promise<Asset[]> {
    const rows = await this.#db
      .selectFrom('assets')
      .select(COLUMNS.assets)
      .where('status', '=', 'processing')
      .where('run_id', 'is', null)
      .execute();
    return rows.map(fromRow);
  }

  /** Assets in preparation with a run, ordered by run id. */
  started(page: RunPage): Promise<{ id: string; runId: string }[]> {
    return startedRows(this.#db, 'assets', page);
  }

  /**
   * Changes the custom fields of an asset in any state.
   * @param change maps the current to the new fields; called again after a concurrent change, so that no change is lost
   * @returns false if there is no such asset
   */
  async changeUserMetadata(id: string, owner: string, change: (now: UserMetadata) => UserMetadata): Promise<boolean> {
    for (;;) {
      const asset = await this.get(id, owner);
      if (!asset) return false;
      const before = asset.userMetadata && JSON.stringify(asset.userMetadata);
      const after = change(asset.userMetadata ?? {});
      const { numUpdatedRows } = await this.#db
        .updateTable('assets')
        .set({ user_metadata: Object.keys(after).length > 0 ? JSON.stringify(after) : null })
        .where('id', '=', id)
        .where('user_metadata', before === undefined ? 'is' : '=', before ?? null)
        .executeTakeFirst();
      if (numUpdatedRows > 0n) return true;
    }
  }

  /** @returns false if there is no such asset */
  async delete(id: string, owner: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('assets')
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async #update(id: string, values: Updateable<AssetsTable>): Promise<void> {
    await this.#db
      .updateTable('assets')
      .set({ ...values, updated_at: new Date().toISOString() })
      .where('id', '=', id)
      .where('status', '=', 'processing')
      .execute();
  }
}

/** Inserts an asset, also as part of a transaction. */
export async function insertAsset(db: Db, asset: NewAsset): Promise<Asset> {
  const now = new Date().toISOString();
  const row = await db
    .insertInto('assets')
    .values({
      id: asset.id,
      owner: asset.owner,
      method: asset.method,
      status: 'processing',
      filename: asset.filename,
      file_type: asset.fileType ?? null,
      user_metadata: asset.userMetadata ? JSON.stringify(asset.userMetadata) : null,
      source_url: asset.sourceUrl ?? null,
      size: asset.size ?? null,
      declared_type: asset.declaredType ?? null,
      sha256: asset.sha256 ?? null,
      // Not supported by this server, so an error from the start.
      hls: asset.hls ? 'error' : null,
      thumbnail: asset.thumbnail ? 'pending' : null,
      created_at: now,
      updated_at: now,
    })
    .returning(COLUMNS.assets)
    .executeTakeFirstOrThrow();
  return fromRow(row);
}

const UNKNOWN_STATUS = {
  code: 'internal_server_error',
  message: 'The stored status of this asset cannot be read. Upload the file again.',
} as const satisfies Asset['error'];

function isStatus(value: unknown): value is AssetStatus {
  return value === 'processing' || value === 'ready' || value === 'failed';
}

function fromRow(row: { [Name in keyof AssetsTable]: unknown }): Asset {
  return {
    id: String(row.id),
    owner: String(row.owner),
    method: row.method as AssetMethod,
    ...(isStatus(row.status) ? { status: row.status } : { status: 'failed', error: UNKNOWN_STATUS }),
    filename: String(row.filename),
    ...(row.file_type !== null && { fileType: String(row.file_type) }),
    media: storedObject(row.media) as MediaInfo | undefined,
    userMetadata: storedObject(row.user_metadata) as UserMetadata | undefined,
    ...(row.source_url !== null && { sourceUrl: String(row.source_url) }),
    ...(row.sha256 !== null && { sha256: String(row.sha256) }),
    ...(row.content_id !== null && { contentId: String(row.content_id) }),
    ...(row.declared_type !== null && { declaredType: row.declared_type as MediaKind }),
    ...(row.hls !== null && { hls: row.hls as ExtraStatus }),
    ...(row.thumbnail !== null && { thumbnail: row.thumbnail as ExtraStatus }),
    ...(row.error_code !== null && { error: { code: String(row.error_code), message: String(row.error_message) } }),
    ...(row.run_id !== null && { runId: String(row.run_id) }),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
