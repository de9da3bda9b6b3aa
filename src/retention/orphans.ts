import type { BlobEntry, BlobStore } from '../blobs/store.ts';
import { takeoverTimeMs } from '../blobs/takeover.ts';
import type { Db } from '../database/open.ts';

/** Blobs looked up per query. */
const BATCH_SIZE = 500;
/** Key prefix of claims: blobs that name the database that the store belongs to. */
export const CLAIMS = 'database/';

/**
 * - `needed`: a row refers to the blob, or its kind of key is unknown
 * - `young`: within the grace period, so its row may not be written yet
 * - `over`: its row is in a final state that does not need it
 * - `unknown`: it has no row. A database older than the blob gives this verdict too
 * - `kept`: unknown, and older than the takeover of the blobs by this database. Deleted only on the operator's request
 */
type Verdict = 'needed' | 'young' | 'over' | 'unknown' | 'kept';

export interface ComparedBlob extends BlobEntry {
  readonly verdict: Verdict;
  /** Reason why no row needs it; empty if one does or may. */
  readonly why: string;
}

/** Number and size of blobs by verdict. */
export type Census = Readonly<Record<Verdict | 'total', { readonly count: number; readonly bytes: number }>>;

/**
 * Compares every blob with the rows. A crash between the write of a blob and its row, or between the end of a row and the
 * removal of its blob, leaves a blob without a use.
 * @param options.graceMs minimum age of a blob to be compared; 0 only if no process is writing
 */
export async function* compareBlobs({
  db,
  blobs,
  graceMs,
}: {
  db: Db;
  blobs: BlobStore;
  graceMs: number;
}): AsyncGenerator<ComparedBlob> {
  const since = await takeoverTimeMs(db);
  const batch: BlobEntry[] = [];
  for await (const entry of blobs.list('')) {
    if (entry.key.startsWith(CLAIMS)) continue;
    if (Date.now() - entry.modifiedAt.getTime() < graceMs) {
      yield { ...entry, verdict: 'young', why: '' };
      continue;
    }
    batch.push(entry);
    if (batch.length === BATCH_SIZE) yield* await compareBatch(db, batch.splice(0), since);
  }
  yield* await compareBatch(db, batch, since);
}

/** Counts blobs by verdict, without keeping them in memory. */
export async function countBlobs(compared: AsyncIterable<ComparedBlob>): Promise<Census> {
  const none = () => ({ count: 0, bytes: 0 });
  const census = { needed: none(), young: none(), over: none(), unknown: none(), kept: none(), total: none() };
  for await (const { verdict, size } of compared) {
    for (const kind of [verdict, 'total'] as const) {
      census[kind].count++;
      census[kind].bytes += size;
    }
  }
  return census;
}

async function compareBatch(db: Db, entries: readonly BlobEntry[], since: number): Promise<ComparedBlob[]> {
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
  return parsed.map(({ entry, kind, id, name }) => {
    const { verdict, why } = judge({ kind, id, name }, tasks, owned);
    const isKept = verdict === 'unknown' && entry.modifiedAt.getTime() <= since;
    return { ...entry, verdict: isKept ? 'kept' : verdict, why };
  });
}

type Owners = Awaited<ReturnType<typeof ownersOf>>;

/**
 * Uploads, assets and contents that refer to blobs of assets. A blob passes from an upload to an asset to a content, each step in
 * one transaction. Queried in this order, so that a blob that is passed on meanwhile is found in the next table.
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

type Judgement = Pick<ComparedBlob, 'verdict' | 'why'>;

const NEEDED: Judgement = { verdict: 'needed', why: '' };
const over = (why: string): Judgement => ({ verdict: 'over', why });
const unknown = (why: string): Judgement => ({ verdict: 'unknown', why });

function judge(
  { kind, id, name }: { kind: string; id: string; name: string },
  tasks: ReadonlyMap<string, string>,
  owned: Owners,
): Judgement {
  if (kind === 'tasks') return judgeTask(tasks.get(id), name);
  if (kind === 'assets') return judgeAsset(owned, id, name);
  return kind === 'check' ? over('it was written to see whether the store works') : NEEDED;
}

function judgeTask(status: string | undefined, name: string): Judgement {
  if (status === undefined) return unknown('the task is gone');
  if (status === 'processing') return NEEDED;
  return status === 'ready' && name === 'result.arrow' ? NEEDED : over('the task is over');
}

function judgeAsset({ uploads, assets, contents }: Owners, id: string, name: string): Judgement {
  const asset = assets.get(id);
  if (name !== 'source') return asset ? NEEDED : unknown('the asset is gone');
  if (uploads.has(id) || contents.has(id)) return NEEDED;
  if (!asset) return unknown('the asset is gone, and no other has its content');
  // Assets of versions without deduplication have no content row and their own media.
  if (asset.status === 'processing' || (asset.status === 'ready' && asset.content_id === null)) return NEEDED;
  return over(asset.status === 'failed' ? 'the asset has failed' : 'the asset has the same content elsewhere');
}

function parse(key: string): { kind: string; id: string; name: string } {
  const [kind = '', id = '', ...name] = key.split('/');
  return { kind, id, name: name.join('/') };
}
