import type { BlobEntry, BlobStore } from '../store/blobs.ts';
import type { Db } from '../store/database.ts';

/** Blobs that are looked up together. */
const BATCH = 500;

/** What no row names. */
export interface Orphan extends BlobEntry {
  readonly why: string;
}

/**
 * Finds blobs that no row names, as a crash leaves them between a blob and its row or between a row's end and its
 * blob's. Younger ones are left alone: their row may be about to be written.
 * @param options.graceMs what a blob must be older than; 0 only where nobody else is writing
 */
export async function* findOrphans({
  db,
  blobs,
  graceMs,
}: {
  db: Db;
  blobs: BlobStore;
  graceMs: number;
}): AsyncGenerator<Orphan> {
  const batch: BlobEntry[] = [];
  for await (const entry of blobs.list('')) {
    if (Date.now() - entry.modifiedAt.getTime() < graceMs) continue;
    batch.push(entry);
    if (batch.length === BATCH) yield* await orphansAmong(db, batch.splice(0));
  }
  yield* await orphansAmong(db, batch);
}

async function orphansAmong(db: Db, entries: readonly BlobEntry[]): Promise<Orphan[]> {
  const parsed = entries.map((entry) => ({ entry, ...parse(entry.key) }));
  const idsOf = (kind: string) => [...new Set(parsed.flatMap(({ kind: its, id }) => (its === kind ? [id] : [])))];
  const [taskIds, assetIds] = [idsOf('tasks'), idsOf('assets')];
  const tasks = new Map(
    taskIds.length === 0
      ? []
      : (await db.selectFrom('tasks').select(['id', 'status']).where('id', 'in', taskIds).execute()).map((row) => [
          row.id,
          row.status,
        ]),
  );
  const owned = await ownersOf(db, assetIds);
  return parsed.flatMap(({ entry, kind, id, name }) => {
    const why = whyNot({ kind, id, name }, tasks, owned);
    return why ? [{ ...entry, why }] : [];
  });
}

type Owners = Awaited<ReturnType<typeof ownersOf>>;

/**
 * What names the blobs of assets. Asked for in the order in which one hands them on to the next, each in one
 * transaction: what is handed on meanwhile is seen at the second, if not at the first.
 */
async function ownersOf(db: Db, ids: readonly string[]) {
  if (ids.length === 0) return { uploads: new Set<string>(), assets: new Map(), contents: new Set<string>() };
  const uploads = await db
    .selectFrom('uploads')
    .select('asset_id')
    .where('asset_id', 'in', ids)
    .where('status', '=', 'active')
    .execute();
  const assets = await db.selectFrom('assets').select(['id', 'status', 'content_id']).where('id', 'in', ids).execute();
  const contents = await db.selectFrom('contents').select('id').where('id', 'in', ids).execute();
  return {
    uploads: new Set(uploads.map((row) => row.asset_id)),
    assets: new Map(assets.map((row) => [row.id, row])),
    contents: new Set(contents.map((row) => row.id)),
  };
}

/** @returns why nobody needs the blob, or nothing when somebody does or nothing is known of such blobs */
function whyNot(
  { kind, id, name }: { kind: string; id: string; name: string },
  tasks: ReadonlyMap<string, string>,
  owned: Owners,
): string | undefined {
  if (kind === 'tasks') return whyNotTask(tasks.get(id), name);
  if (kind === 'assets') return whyNotAsset(owned, id, name);
  return kind === 'check' ? 'it was written to see whether the store works' : undefined;
}

function whyNotTask(status: string | undefined, name: string): string | undefined {
  if (status === undefined) return 'the task is gone';
  if (status === 'processing') return undefined;
  return status === 'ready' && name === 'result.arrow' ? undefined : 'the task is over';
}

function whyNotAsset({ uploads, assets, contents }: Owners, id: string, name: string): string | undefined {
  const asset = assets.get(id);
  if (name !== 'source') return asset ? undefined : 'the asset is gone';
  if (uploads.has(id) || contents.has(id)) return undefined;
  if (!asset) return 'the asset is gone, and no other has its content';
  // One from before contents were kept apart has none, and its media to itself.
  if (asset.status === 'processing' || (asset.status === 'ready' && asset.content_id === null)) return undefined;
  return asset.status === 'failed' ? 'the asset has failed' : 'the asset has the same content elsewhere';
}

function parse(key: string): { kind: string; id: string; name: string } {
  const [kind = '', id = '', ...name] = key.split('/');
  return { kind, id, name: name.join('/') };
}
