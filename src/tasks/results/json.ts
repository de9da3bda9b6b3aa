import type { Scope } from '../../domain/scope.ts';
import { DIMENSION } from '../../encode/encoder.ts';
import { MAX_FLOAT32_BYTES, writeFloat32 } from './float32.ts';
import type { EmbeddingRow } from './results.ts';

/** Size of output chunks: large enough to be cheap, small enough that a slow reader holds little memory. Bytes. */
const CHUNK_BYTES = 64 * 1024;
/** Upper bound of a row: all numbers at maximum length, and below 200 bytes around the vector. Bytes. */
const MAX_ROW_BYTES = DIMENSION * (MAX_FLOAT32_BYTES + 1) + 256;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;

type Batches = AsyncIterable<readonly EmbeddingRow[]>;

/** Names of a row in one version of the API. */
export interface RowNames {
  readonly vector: string;
  readonly start: string;
  readonly end: string;
  /** Values of `embedding_scope`. */
  readonly scopes: Readonly<Record<Scope, string>>;
}

const EMBED_V2: RowNames = {
  vector: 'embedding',
  start: 'start_sec',
  end: 'end_sec',
  scopes: { clip: 'clip', asset: 'asset' },
};

interface JsonOptions {
  /** False omits the vectors and returns the segments only. */
  readonly vectors: boolean;
  /** Default: those of embed-v2. */
  readonly names?: RowNames;
}

const ALL: JsonOptions = { vectors: true };

interface Marks extends JsonOptions {
  readonly open: string;
  readonly between: string;
  readonly after: string;
  readonly close: string;
}

/**
 * Serializes rows as a JSON array in the format of the API: `[{"embedding":[…],"embedding_option":"visual",
 * "embedding_scope":"clip","start_sec":0,"end_sec":4},…]`. Writes bytes directly because `JSON.stringify` would print
 * every float32 with the digits of a double, twice as many, and be slower.
 */
export function embeddingsJson(batches: Batches, options: JsonOptions = ALL): AsyncGenerator<Uint8Array> {
  return text(batches, { open: '[', between: ',', after: '', close: ']', ...options });
}

/** Serializes rows as newline-delimited JSON, one row per line. */
export function embeddingsNdjson(batches: Batches, { vectors }: JsonOptions = ALL): AsyncGenerator<Uint8Array> {
  return text(batches, { open: '', between: '', after: '\n', close: '', vectors });
}

/** Serializes a vector as a JSON array. */
export function vectorJson(vector: Float32Array): string {
  const text = Buffer.allocUnsafe(vector.length * (MAX_FLOAT32_BYTES + 1) + 2);
  return text.toString('latin1', 0, writeVector(vector, text, 0));
}

async function* text(batches: Batches, marks: Marks): AsyncGenerator<Uint8Array> {
  const { open, between, after, close, vectors, names = EMBED_V2 } = marks;
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
      end = writeRow(row, { chunk, at: end, vectors, names });
      end += chunk.write(after, end, 'latin1');
      mark = between;
    }
  }
  end += chunk.write(close, end, 'latin1');
  yield chunk.subarray(0, end);
}

function writeRow(
  row: EmbeddingRow,
  { chunk, at, vectors, names }: Required<JsonOptions> & { chunk: Buffer; at: number },
): number {
  let end = at + chunk.write('{', at, 'latin1');
  if (vectors) {
    end = writeVector(row.embedding, chunk, end + chunk.write(`"${names.vector}":`, end, 'latin1'));
    end += chunk.write(',', end, 'latin1');
  }
  const rest = `"embedding_option":"${row.option}","embedding_scope":"${names.scopes[row.scope]}","${names.start}":${timeJson(row.startSec)},"${names.end}":${timeJson(row.endSec)}}`;
  return end + chunk.write(rest, end, 'latin1');
}

/** An image has no times. */
function timeJson(sec: number): string {
  return Number.isNaN(sec) ? 'null' : String(sec);
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
