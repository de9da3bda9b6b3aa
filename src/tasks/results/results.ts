import { RecordBatchReader } from 'apache-arrow';
import type { BlobStore } from '../../blobs/store.ts';
import { OPTIONS, type RowOption } from '../../domain/option.ts';
import type { Scope } from '../../domain/scope.ts';
import type { TimeRange } from '../../domain/time-range.ts';
import { DIMENSION } from '../../encode/encoder.ts';
import { shorten, WeightedMean } from '../../encode/vectors.ts';
import type { TaskRequest } from '../request.ts';
import { ArrowRows, ASSET_SEGMENT, type EmbeddingRow, toRows } from './arrow.ts';
import { type NoteVector, withFused } from './fused.ts';

export type { EmbeddingRow } from './arrow.ts';

/** Metadata of a result, stored in the Arrow schema. */
export interface ResultFacts {
  readonly task: string;
  /** Name and revision of the bundle that made the vectors. */
  readonly bundle: string;
}

/** Selects rows; an absent field selects all. */
export interface RowFilter {
  readonly options?: readonly RowOption[];
  readonly scopes?: readonly Scope[];
}

/** Bytes of the `ARROW1` mark with its padding, before the stream in an Arrow file. */
const MAGIC_BYTES = 8;

/**
 * Encodes the rows of a chunk as an Arrow file.
 * @param rows rows with segments numbered from 0 within the chunk
 * @param segments number of segments in the chunk, including those without a vector
 */
export function encodeBlock(rows: readonly EmbeddingRow[], facts: ResultFacts & { segments: number }): Uint8Array {
  const file = new ArrowRows({ task: facts.task, bundle: facts.bundle, segments: String(facts.segments) });
  const parts = rows.map((row) => file.add(row)).filter((part) => part !== undefined);
  return Buffer.concat([...parts, file.end()]);
}

/**
 * Joins the blocks of all chunks, in order, into the result of a task: the clips with continuous segment numbers, then
 * the mean of each option's clips weighted by duration. A fused vector is the mean of the vectors of its segment, or of
 * the asset. Vectors are shortened last. Memory is bounded by a batch of rows.
 * @param request requested parts of the result
 * @param notes vectors that join the fused ones
 * @param range processed range; the times of the asset rows
 * @returns counts of rows and segments, and the options with vectors
 */
export async function writeResult({
  blobs,
  blocks,
  key,
  request: { scopes, fused, dimension = DIMENSION },
  notes,
  range,
  facts,
  signal,
}: {
  blobs: BlobStore;
  blocks: readonly string[];
  key: string;
  request: Pick<TaskRequest, 'scopes' | 'fused' | 'dimension'>;
  notes?: readonly NoteVector[];
  range: TimeRange;
  facts: ResultFacts;
  signal?: AbortSignal;
}): Promise<{ rows: number; segments: number; options: RowOption[] }> {
  const means = new Map<RowOption, WeightedMean>();
  const written = { rows: 0, segments: 0 };
  /** Clips of all chunks, in order; accumulates the means on the way. */
  async function* clips(): AsyncGenerator<EmbeddingRow> {
    for (const block of blocks) {
      const first = written.segments;
      for await (const rows of readBatches(blobs, block, (segments) => (written.segments += segments))) {
        signal?.throwIfAborted();
        for (const row of rows) {
          if (!means.has(row.option)) means.set(row.option, new WeightedMean());
          means.get(row.option)!.add(row.embedding, row.endSec - row.startSec);
          yield { ...row, segment: first + row.segment };
        }
      }
    }
  }
  async function* assets(): AsyncGenerator<EmbeddingRow> {
    for (const [option, mean] of inOrder(means)) {
      yield { segment: ASSET_SEGMENT, ...range, option, scope: 'asset', embedding: mean.get() };
    }
  }
  async function* content(): AsyncGenerator<Uint8Array> {
    const file = new ArrowRows({ task: facts.task, bundle: facts.bundle }, dimension);
    for (const [scope, rows] of [['clip', clips()] as const, ['asset', assets()] as const]) {
      for await (const row of fused ? withFused(rows, fused, notes) : rows) {
        if (!scopes.includes(scope)) continue;
        written.rows++;
        const part = file.add({ ...row, embedding: shorten(row.embedding, dimension) });
        if (part) yield part;
      }
    }
    yield file.end();
  }
  await blobs.write(key, content(), { signal });
  return { ...written, options: inOrder(means).map(([option]) => option) };
}

/**
 * Reads the rows of a result or block, batch by batch. The vectors are views into the batch: copy those that outlive
 * it.
 * @throws {BlobNotFound}, or an Error for a truncated blob
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
  const content = blobs.read(key, { start: MAGIC_BYTES });
  try {
    let cutOff = false;
    async function* bytes() {
      yield* content as AsyncIterable<Uint8Array>;
      // The reader stops at the end mark before the footer, and accepts a missing mark as the end.
      cutOff = true;
    }
    const reader = await RecordBatchReader.from(bytes());
    await reader.open();
    onSegments?.(Number(reader.schema.metadata.get('reelvec.segments')));
    for await (const batch of reader) yield toRows(batch);
    if (cutOff) throw new Error(`The blob ${key} is cut off.`);
  } finally {
    // The reader does not close its source at the end mark.
    content.destroy();
  }
}

function inOrder(means: ReadonlyMap<RowOption, WeightedMean>): [RowOption, WeightedMean][] {
  return OPTIONS.filter((option) => means.has(option)).map((option) => [option, means.get(option)!]);
}
