import type { Part } from '../../blobs/uploads.ts';
import { COLUMNS } from '../../database/columns.ts';
import { groupCommit } from '../../database/group-commit.ts';
import type { Db, OnCreated } from '../../database/open.ts';
import { type Page, selectNewestFirst } from '../../database/page.ts';
import type { UploadChunksTable, UploadsTable } from '../../database/schema.ts';
import { storedObject } from '../../database/stored-json.ts';
import { insertAsset, type NewAsset } from '../repository.ts';
import type { AssetOptions, MultipartUpload, StoredChunk } from './upload.ts';

export type NewUpload = Omit<MultipartUpload, 'status' | 'storeId' | 'createdAt' | 'updatedAt'>;

/** Multipart uploads in the database, and their stored chunks. */
export class UploadRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** @param onInserted runs in the same transaction; it may throw */
  create(upload: NewUpload, onInserted: (transaction: Db) => Promise<void>): Promise<MultipartUpload> {
    return this.#db.transaction().execute(async (transaction) => {
      const created = await insertUpload(transaction, upload);
      await onInserted(transaction);
      return created;
    });
  }

  /** Records the upload id of the store, after which the upload accepts chunks. */
  setStoreId(id: string, storeId: string, onCreated?: OnCreated<MultipartUpload>): Promise<MultipartUpload> {
    return this.#db.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable('uploads')
        .set({ store_id: storeId })
        .where('id', '=', id)
        .returning(COLUMNS.uploads)
        .executeTakeFirstOrThrow();
      const upload = fromRow(row);
      await onCreated?.(transaction, upload);
      return upload;
    });
  }

  /** An upload by id, restricted to an owner if given. */
  async get(id: string, owner?: string): Promise<MultipartUpload | undefined> {
    let query = this.#db.selectFrom('uploads').select(COLUMNS.uploads).where('id', '=', id);
    if (owner !== undefined) query = query.where('owner', '=', owner);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /** Active uploads of an owner, newest first. */
  async listActive(owner: string, page: Page): Promise<{ uploads: MultipartUpload[]; total: number }> {
    const query = this.#db
      .selectFrom('uploads')
      .where('owner', '=', owner)
      .where('status', '=', 'active')
      .where('expires_at', '>', new Date().toISOString());
    const { rows, total } = await selectNewestFirst('uploads', query, page);
    return { uploads: rows.map(fromRow), total };
  }

  /** Stored chunks in order, restricted to `numbers` if given. */
  async chunks(id: string, numbers?: readonly number[]): Promise<StoredChunk[]> {
    let query = this.#db.selectFrom('upload_chunks').select(COLUMNS.upload_chunks).where('upload_id', '=', id);
    if (numbers) query = query.where('number', 'in', numbers);
    return (await query.orderBy('number').execute()).map(chunkFromRow);
  }

  /** Number and bytes of the chunks reported by the client. */
  async completed(id: string): Promise<{ chunks: number; bytes: number }> {
    const { chunks, bytes } = await this.#db
      .selectFrom('upload_chunks')
      .where('upload_id', '=', id)
      .where('completed_at', 'is not', null)
      .select((e) => [e.fn.countAll().as('chunks'), e.fn.sum<number | null>('size').as('bytes')])
      .executeTakeFirstOrThrow();
    return { chunks: Number(chunks), bytes: Number(bytes ?? 0) };
  }

  /** Records stored chunks. Replaces earlier versions of chunks that are not complete. */
  async saveChunks(id: string, parts: readonly Part[]): Promise<void> {
    if (parts.length === 0) return;
    const storedAt = new Date().toISOString();
    await groupCommit(this.#db, (db) =>
      db
        .insertInto('upload_chunks')
        .values(parts.map(({ number, size, etag }) => ({ upload_id: id, number, size, etag, stored_at: storedAt })))
        .onConflict((c) =>
          c
            .columns(['upload_id', 'number'])
            .doUpdateSet((e) => ({
              size: e.ref('excluded.size'),
              etag: e.ref('excluded.etag'),
              stored_at: e.ref('excluded.stored_at'),
            }))
            .where('upload_chunks.completed_at', 'is', null),
        )
        .execute(),
    );
  }

  /**
   * Deletes the row of a chunk before it is rewritten. @returns false if the chunk is complete and must not be
   * rewritten
   */
  async deleteChunk(id: string, number: number): Promise<boolean> {
    await this.#db
      .deleteFrom('upload_chunks')
      .where('upload_id', '=', id)
      .where('number', '=', number)
      .where('completed_at', 'is', null)
      .execute();
    return (await this.chunks(id, [number])).length === 0;
  }

  /** @returns the number of chunks that were not complete before */
  async completeChunks(id: string, chunks: readonly { number: number; etag: string }[]): Promise<number> {
    const now = new Date().toISOString();
    return this.#db.transaction().execute(async (trx) => {
      let changed = 0;
      for (const { number, etag } of chunks) {
        const { numUpdatedRows } = await trx
          .updateTable('upload_chunks')
          .set({ completed_at: now })
          .where('upload_id', '=', id)
          .where('number', '=', number)
          .where('etag', '=', etag)
          .where('completed_at', 'is', null)
          .executeTakeFirst();
        changed += Number(numUpdatedRows);
      }
      await trx.updateTable('uploads').set({ updated_at: now }).where('id', '=', id).execute();
      return changed;
    });
  }

  /** Completes an upload and inserts its asset. @returns false if the upload was no longer active */
  async finish(id: string, asset: NewAsset): Promise<boolean> {
    return this.#db.transaction().execute(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('uploads')
        .set({ status: 'completed', updated_at: new Date().toISOString() })
        .where('id', '=', id)
        .where('status', '=', 'active')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await insertAsset(trx, asset);
      return true;
    });
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom('uploads').where('id', '=', id).execute();
  }

  /** Ends uploads whose time has expired. @returns them */
  async expire(now: Date): Promise<MultipartUpload[]> {
    const rows = await this.#db
      .updateTable('uploads')
      .set({ status: 'expired', updated_at: now.toISOString() })
      .where('status', '=', 'active')
      .where('expires_at', '<=', now.toISOString())
      .returning(COLUMNS.uploads)
      .execute();
    return rows.map(fromRow);
  }

  /** Deletes uploads that have ended and would have expired before a time. */
  async deleteEnded(before: Date): Promise<void> {
    await this.#db
      .deleteFrom('uploads')
      .where('status', '!=', 'active')
      .where('expires_at', '<', before.toISOString())
      .execute();
  }
}

async function insertUpload(db: Db, upload: NewUpload): Promise<MultipartUpload> {
  const now = new Date().toISOString();
  const row = await db
    .insertInto('uploads')
    .values({
      id: upload.id,
      owner: upload.owner,
      asset_id: upload.assetId,
      status: 'active',
      filename: upload.filename,
      type: upload.type,
      total_size: upload.totalSize,
      chunk_size: upload.chunkSize,
      overrides: JSON.stringify(upload.assetOptions),
      created_at: now,
      updated_at: now,
      expires_at: upload.expiresAt,
    })
    .returning(COLUMNS.uploads)
    .executeTakeFirstOrThrow();
  return fromRow(row);
}

function fromRow(row: { [Name in keyof UploadsTable]: unknown }): MultipartUpload {
  return {
    id: String(row.id),
    owner: String(row.owner),
    assetId: String(row.asset_id),
    status: row.status as MultipartUpload['status'],
    filename: String(row.filename),
    type: row.type as MultipartUpload['type'],
    totalSize: Number(row.total_size),
    chunkSize: Number(row.chunk_size),
    storeId: row.store_id === null ? undefined : String(row.store_id),
    assetOptions: (storedObject(row.overrides) ?? {}) as AssetOptions,
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
    expiresAt: String(row.expires_at),
  };
}

function chunkFromRow(row: { [Name in keyof UploadChunksTable]: unknown }): StoredChunk {
  return {
    number: Number(row.number),
    size: Number(row.size),
    etag: String(row.etag),
    storedAt: String(row.stored_at),
    ...(row.completed_at !== null && { completedAt: String(row.completed_at) }),
  };
}
