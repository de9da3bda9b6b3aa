import { DIMENSION } from '../../encode/encoder.ts';
import { MAX_FLOAT32_BYTES, writeFloat32 } from './float32.ts';
import type { EmbeddingRow } from './results.ts';

/** What a stream likes: large enough to be cheap, small enough that a slow reader holds little memory. */
const CHUNK_BYTES = 64 * 1024;
/** A row with every number at its longest; what stands around the vector is below 200 bytes. */
const MAX_ROW_BYTES = DIMENSION * (MAX_FLOAT32_BYTES + 1) + 256;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;

type Batches = AsyncIterable<readonly EmbeddingRow[]>;

interface Wish {
  /** Whether the vectors are in it, or the segments alone. */
  readonly vectors: boolean;
}

const ALL: Wish = { vectors: true };

interface Marks extends Wish {
  readonly open: string;
  readonly between: string;
  readonly after: string;
  readonly close: string;
}

/**
 * Rows as the API shows them, as JSON text in pieces: `[{"embedding":[…],"embedding_option":"visual",
 * "embedding_scope":"clip","start_sec":0,"end_sec":4},…]`. Written byte by byte because `JSON.stringify` would print
 * every float32 with the digits of a double, twice as many, and be slower.
 */
export function embeddingsJson(batches: Batches, { vectors }: Wish = ALL): AsyncGenerator<Uint8Array> {
  return text(batches, { open: '[', between: ',', after: '', close: ']', vectors });
}

/** The same, a line for each row. */
export function embeddingsNdjson(batches: Batches, { vectors }: Wish = ALL): AsyncGenerator<Uint8Array> {
  return text(batches, { open: '', between: '', after: '\n', close: '', vectors });
}

/** One vector as a JSON array. */
export function vectorJson(vector: Float32Array): string {
  const text = Buffer.allocUnsafe(vector.length * (MAX_FLOAT32_BYTES + 1) + 2);
  return text.toString('latin1', 0, writeVector(vector, text, 0));
}

async function* text(batches: Batches, { open, between, after, close, vectors }: Marks): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let end = chunk.write(open, 'latin1');
  let mark = '';
  for await (const rows of batches) {
    for (const row of rows) {
      if (end > CHUNK_BYTES - MAX_ROW_BYTES) {
        yield chunk.subarray(0, end);
        chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        end = 0;
      }
      end += chunk.write(mark, end, 'latin1');
      end = writeRow(row, { chunk, at: end, vectors });
      end += chunk.write(after, end, 'latin1');
      mark = between;
    }
  }
  end += chunk.write(close, end, 'latin1');
  yield chunk.subarray(0, end);
}

function writeRow(row: EmbeddingRow, { chunk, at, vectors }: Wish & { chunk: Buffer; at: number }): number {
  let end = at + chunk.write('{', at, 'latin1');
  if (vectors) {
    end = writeVector(row.embedding, chunk, end + chunk.write('"embedding":', end, 'latin1'));
    end += chunk.write(',', end, 'latin1');
  }
  const rest = `"embedding_option":"${row.option}","embedding_scope":"${row.scope}","start_sec":${row.startSec},"end_sec":${row.endSec}}`;
  return end + chunk.write(rest, end, 'latin1');
}

function writeVector(vector: Float32Array, chunk: Buffer, at: number): number {
  let end = at;
  chunk[end++] = OPEN;
  for (let i = 0; i < vector.length; i++) {
    if (i > 0) chunk[end++] = COMMA;
    end = writeFloat32(vector[i]!, chunk, end);
  }
  chunk[end++] = CLOSE;
  return end;
}
