import { RecordBatchReader } from 'apache-arrow';
import type { TimeRange } from '../media/frames.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Option, Scope } from './request.ts';
import { ArrowRows, ASSET_SEGMENT, type EmbeddingRow, toRows } from './results-arrow.ts';
import { WeightedMean } from './results-mean.ts';

export type { EmbeddingRow } from './results-arrow.ts';

/** What a result says of itself, in the metadata of the Arrow schema. */
export interface ResultFacts {
  readonly task: string;
  /** Name and revision of the bundle that made the vectors. */
  readonly bundle: string;
}

/** Which rows are wanted; absent is all of them. */
export interface RowFilter {
  readonly options?: readonly Option[];
  readonly scopes?: readonly Scope[];
}

/** Asset rows come in this order. */
const OPTIONS: readonly Option[] = ['visual', 'audio', 'transcription'];
/** An Arrow file is a stream between `ARROW1` with two bytes of padding and a footer. */
const MAGIC_BYTES = 8;

/**
 * The clips of one chunk as an Arrow file.
 * @param rows segments counted from 0 within the chunk
 * @param segments how many segments the chunk has, also such without a vector
 */
export function encodeBlock(rows: readonly EmbeddingRow[], facts: ResultFacts & { segments: number }): Uint8Array {
  const file = new ArrowRows({ task: facts.task, bundle: facts.bundle, segments: String(facts.segments) });
  const parts = rows.map((row) => file.add(row)).filter((part) => part !== undefined);
  return Buffer.concat([...parts, file.end()]);
}

/**
 * Joins the blocks of all chunks, in order, into the result of the task: the clips, their segments counted through,
 * then for each option the mean of its clips weighted with their durations. Memory is bounded by a batch of rows.
 * @param range what was processed; the times of the asset rows
 * @returns how many rows and segments there are, and for which options there are vectors
 */
export async function writeResult({
  blobs,
  blocks,
  key,
  scopes,
  range,
  facts,
  signal,
}: {
  blobs: BlobStore;
  blocks: readonly string[];
  key: string;
  scopes: readonly Scope[];
  range: TimeRange;
  facts: ResultFacts;
  signal?: AbortSignal;
}): Promise<{ rows: number; segments: number; options: Option[] }> {
  const means = new Map<Option, WeightedMean>();
  const written = { rows: 0, segments: 0 };
  async function* content(): AsyncGenerator<Uint8Array> {
    const file = new ArrowRows({ task: facts.task, bundle: facts.bundle });
    for (const block of blocks) {
      const first = written.segments;
      for await (const rows of readBatches(blobs, block, (segments) => (written.segments += segments))) {
        signal?.throwIfAborted();
        for (const row of rows) {
          if (!means.has(row.option)) means.set(row.option, new WeightedMean());
          means.get(row.option)!.add(row.embedding, row.endSec - row.startSec);
          if (!scopes.includes('clip')) continue;
          written.rows++;
          const part = file.add({ ...row, segment: first + row.segment });
          if (part) yield part;
        }
      }
    }
    for (const [option, mean] of inOrder(means)) {
      if (!scopes.includes('asset')) break;
      written.rows++;
      const part = file.add({ segment: ASSET_SEGMENT, ...range, option, scope: 'asset', embedding: mean.get() });
      if (part) yield part;
    }
    yield file.end();
  }
  await blobs.write(key, content(), { signal });
  return { ...written, options: inOrder(means).map(([option]) => option) };
}

/**
 * The rows of a result or block, batch by batch. The vectors are views into the batch: a copy is due only where one is
 * kept longer than it.
 * @throws BlobNotFound, or an Error where the blob is cut off
 */
export async function* readResult(
  blobs: BlobStore,
  key: string,
  filter: RowFilter = {},
): AsyncGenerator<EmbeddingRow[]> {
  const { options, scopes } = filter;
  for await (const rows of readBatches(blobs, key)) {
    yield rows.filter((row) => (options?.includes(row.option) ?? true) && (scopes?.includes(row.scope) ?? true));
  }
}

async function* readBatches(
  blobs: BlobStore,
  key: string,
  onSegments?: (segments: number) => void,
): AsyncGenerator<EmbeddingRow[]> {
  let cutOff = false;
  async function* bytes() {
    // Left early, by an error or by whoever wants no more, this closes the blob.
    yield* blobs.read(key, { start: MAGIC_BYTES }) as AsyncIterable<Uint8Array>;
    // The reader stops at the end mark before the footer and takes a missing one for the end.
    cutOff = true;
  }
  const reader = await RecordBatchReader.from(bytes());
  await reader.open();
  onSegments?.(Number(reader.schema.metadata.get('reelvec.segments')));
  for await (const batch of reader) yield toRows(batch);
  if (cutOff) throw new Error(`The blob ${key} is cut off.`);
}

function inOrder(means: ReadonlyMap<Option, WeightedMean>): [Option, WeightedMean][] {
  return OPTIONS.filter((option) => means.has(option)).map((option) => [option, means.get(option)!]);
}
