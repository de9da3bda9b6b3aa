import type { BlobStore } from '../blobs/store.ts';
import { type Db, isForeignKeyViolation } from '../database/open.ts';
import { assetKey } from './blobs.ts';

/** Attempts to deduplicate when the content row is deleted concurrently. */
const MAX_ATTEMPTS = 5;

/**
 * Media of assets, stored once per owner and content. The blob belongs to the first asset with the content, and is
 * retained while a row references it: the assets that share it, and the tasks that still read it. Blob names are never
 * reused, so a blob can be removed safely after its row.
 */
export class DedupedMedia {
  readonly #db: Db;
  readonly #blobs: BlobStore;

  constructor(db: Db, blobs: BlobStore) {
    this.#db = db;
    this.#blobs = blobs;
  }

  /**
   * Registers the stored media of an asset as new content, or links the asset to existing content and removes the copy.
   * @returns the content id; undefined if the asset is no longer in preparation
   */
  async deduplicate(
    asset: { id: string; owner: string },
    found: { sha256: string; size: number },
  ): Promise<string | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const contentId = await this.#deduplicate(asset, found);
        if (contentId !== asset.id) await this.#removeCopy(asset.id, contentId);
        return contentId;
      } catch (error) {
        if (error instanceof AssetEnded) return undefined;
        const isDeleted = error instanceof ContentDeleted || isForeignKeyViolation(error);
        if (!isDeleted || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** Removes content without references. @returns true if it was removed */
  async release(contentId: string | undefined): Promise<boolean> {
    if (contentId === undefined || !(await this.#deleteRow(contentId))) return false;
    await this.#blobs.remove(assetKey(contentId));
    return true;
  }

  /** Removes the blobs of an asset that has ended, except content shared with others. */
  async clear(assetId: string): Promise<void> {
    const kept = await this.#db.selectFrom('contents').select('id').where('id', '=', assetId).executeTakeFirst();
    if (!kept) return this.#blobs.remove(`assets/${assetId}/`);
    for await (const { key } of this.#blobs.list(`assets/${assetId}/`)) {
      if (key !== assetKey(assetId)) await this.#blobs.remove(key);
    }
  }

  /** Ids of contents without references, which crashes leave behind. */
  async unused(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('contents')
      .select('id')
      .where((e) =>
        e.not(e.exists(e.selectFrom('assets').select('assets.id').whereRef('content_id', '=', 'contents.id'))),
      )
      .where((e) =>
        e.not(e.exists(e.selectFrom('tasks').select('tasks.id').whereRef('content_id', '=', 'contents.id'))),
      )
      .execute();
    return rows.map(({ id }) => id);
  }

  #deduplicate(
    { id, owner }: { id: string; owner: string },
    { sha256, size }: { sha256: string; size: number },
  ): Promise<string> {
    return this.#db.transaction().execute(async (trx) => {
      await trx
        .insertInto('contents')
        .values({ id, owner, sha256, size, created_at: new Date().toISOString() })
        .onConflict((c) => c.doNothing())
        .execute();
      const content = await trx
        .selectFrom('contents')
        .select('id')
        .where('owner', '=', owner)
        .where('sha256', '=', sha256)
        .executeTakeFirst();
      if (!content) throw new ContentDeleted();
      const { numUpdatedRows } = await trx
        .updateTable('assets')
        .set({ content_id: content.id })
        .where('id', '=', id)
        .where('status', '=', 'processing')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new AssetEnded();
      return content.id;
    });
  }

  /** Removes a copy of content. First restores the content from it if its blob was lost. */
  async #removeCopy(copyId: string, contentId: string): Promise<void> {
    if (!(await this.#blobs.stat(assetKey(contentId)))) {
      await this.#blobs.write(assetKey(contentId), this.#blobs.read(assetKey(copyId)));
    }
    await this.#blobs.remove(assetKey(copyId));
  }

  async #deleteRow(contentId: string): Promise<boolean> {
    try {
      const { numDeletedRows } = await this.#db
        .deleteFrom('contents')
        .where('id', '=', contentId)
        .where((e) => e.not(e.exists(e.selectFrom('assets').select('id').where('content_id', '=', contentId))))
        .where((e) => e.not(e.exists(e.selectFrom('tasks').select('id').where('content_id', '=', contentId))))
        .executeTakeFirst();
      return numDeletedRows > 0n;
    } catch (error) {
      // A row began to reference the content concurrently.
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }
}

/** The content row was deleted concurrently. */
class ContentDeleted extends Error {}
/** The asset was deleted, or is no longer in preparation. */
class AssetEnded extends Error {}
