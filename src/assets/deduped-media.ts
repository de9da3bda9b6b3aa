import type { BlobStore } from '../blobs/store.ts';
import { type Db, isForeignKeyViolation } from '../database/open.ts';
import { assetKey } from './blobs.ts';

/** How often content that somebody removes at the same moment is looked for again. */
const ATTEMPTS = 5;

/**
 * The media of assets, each content once for an owner. It lies where the asset it first came with put it, and stays
 * for as long as a row refers to it: the assets that have it, and the tasks that still read it. The name of a blob is
 * never used twice, so what is removed after its row can be nobody else's.
 */
export class DedupedMedia {
  readonly #db: Db;
  readonly #blobs: BlobStore;

  constructor(db: Db, blobs: BlobStore) {
    this.#db = db;
    this.#blobs = blobs;
  }

  /**
   * Makes what was stored for an asset its content, or gives it the same that is there already and removes the copy.
   * @returns the id of the content; undefined when the asset is no longer being prepared
   */
  async deduplicate(
    asset: { id: string; owner: string },
    found: { sha256: string; size: number },
  ): Promise<string | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const contentId = await this.#deduplicate(asset, found);
        if (contentId !== asset.id) await this.#drop(asset.id, contentId);
        return contentId;
      } catch (error) {
        if (error instanceof AssetOver) return undefined;
        const vanished = error instanceof ContentVanished || isForeignKeyViolation(error);
        if (!vanished || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Removes content that nothing refers to any more. @returns whether it did */
  async release(contentId: string | undefined): Promise<boolean> {
    if (contentId === undefined || !(await this.#forget(contentId))) return false;
    await this.#blobs.remove(assetKey(contentId));
    return true;
  }

  /** Removes what is stored for an asset that is over, but for content that others have by now. */
  async clear(assetId: string): Promise<void> {
    const kept = await this.#db.selectFrom('contents').select('id').where('id', '=', assetId).executeTakeFirst();
    if (!kept) return this.#blobs.remove(`assets/${assetId}/`);
    for await (const { key } of this.#blobs.list(`assets/${assetId}/`)) {
      if (key !== assetKey(assetId)) await this.#blobs.remove(key);
    }
  }

  /** Ids of contents that nothing refers to, as a crash leaves them. */
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
      if (!content) throw new ContentVanished();
      const { numUpdatedRows } = await trx
        .updateTable('assets')
        .set({ content_id: content.id })
        .where('id', '=', id)
        .where('status', '=', 'processing')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new AssetOver();
      return content.id;
    });
  }

  /** Removes a copy of content. Content that was lost is put back from it. */
  async #drop(copyId: string, contentId: string): Promise<void> {
    if (!(await this.#blobs.stat(assetKey(contentId)))) {
      await this.#blobs.write(assetKey(contentId), this.#blobs.read(assetKey(copyId)));
    }
    await this.#blobs.remove(assetKey(copyId));
  }

  async #forget(contentId: string): Promise<boolean> {
    try {
      const { numDeletedRows } = await this.#db
        .deleteFrom('contents')
        .where('id', '=', contentId)
        .where((e) => e.not(e.exists(e.selectFrom('assets').select('id').where('content_id', '=', contentId))))
        .where((e) => e.not(e.exists(e.selectFrom('tasks').select('id').where('content_id', '=', contentId))))
        .executeTakeFirst();
      return numDeletedRows > 0n;
    } catch (error) {
      // A row came to refer to it at this moment.
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }
}

/** Somebody else removed it between two lines. */
class ContentVanished extends Error {}
/** The asset was deleted, or is not being prepared. */
class AssetOver extends Error {}
