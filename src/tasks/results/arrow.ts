import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Message,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
  type Vector,
} from 'apache-arrow';
import type { RowOption } from '../../domain/option.ts';
import type { Scope } from '../../domain/scope.ts';
import type { TimeRange } from '../../domain/time-range.ts';
import { DIMENSION } from '../../encode/encoder.ts';

/** Vector with the segment, option and scope that it describes. The times of an image are NaN. */
export interface EmbeddingRow extends TimeRange {
  /** Segment index from 0; `ASSET_SEGMENT` for a vector of the whole range. */
  readonly segment: number;
  readonly option: RowOption;
  readonly scope: Scope;
  /** Unit vector (L2 norm 1). All vectors of a file have the same length. */
  readonly embedding: Float32Array;
}

/** Segment index of rows with the scope `asset`. */
export const ASSET_SEGMENT = -1;

/**
 * Rows per record batch: 64 kilobytes of vectors. Readers and writers hold a few batches in memory, and a server does
 * so for each of its slow readers.
 */
export const BATCH_ROWS = 32;

/** Version of the columns below, stored in every file. */
const FORMAT_VERSION = '1';

const columnsOf = (dimension: number) => [
  new Field('segment', new Int32(), false),
  new Field('start_sec', new Float64(), false),
  new Field('end_sec', new Float64(), false),
  new Field('embedding_option', new Utf8(), false),
  new Field('embedding_scope', new Utf8(), false),
  ...(dimension > 0
    ? [new Field('embedding', new FixedSizeList(dimension, new Field('item', new Float32(), false)), false)]
    : []),
];

/**
 * Writes rows as an Arrow IPC file, incrementally. Equal rows and facts give equal bytes, independent of the division
 * into calls of `add`.
 */
export class ArrowRows {
  readonly #dimension: number;
  readonly #schema: Schema;
  readonly #file: FileParts;
  #rows: EmbeddingRow[] = [];

  /**
   * @param facts metadata of the file, in addition to `reelvec.format`
   * @param dimension length of the vectors; 0 omits their column
   */
  constructor(facts: Readonly<Record<string, string>>, dimension = DIMENSION) {
    this.#dimension = dimension;
    const metadata = Object.entries({ format: FORMAT_VERSION, ...facts });
    this.#schema = new Schema(
      columnsOf(dimension),
      new Map(metadata.map(([name, value]) => [`reelvec.${name}`, value])),
    );
    this.#file = new FileParts(this.#schema);
  }

  /** @returns the completed bytes, often none */
  add(row: EmbeddingRow): Uint8Array | undefined {
    if (row.embedding.length !== this.#dimension) {
      throw new RangeError(`A vector has ${this.#dimension} values: got ${row.embedding.length}.`);
    }
    this.#rows.push(row);
    return this.#rows.length < BATCH_ROWS ? undefined : this.#flush();
  }

  /** @returns the rest of the file; no rows can be added afterwards */
  end(): Uint8Array {
    const rest = this.#rows.length === 0 ? new Uint8Array() : this.#flush();
    this.#file.finish();
    return Buffer.concat([rest, this.#file.take()]);
  }

  #flush(): Uint8Array {
    this.#file.write(toBatch(this.#schema, this.#rows, this.#dimension));
    this.#rows = [];
    return this.#file.take();
  }
}

/** Returns written bytes immediately: the queue of the library's writer would hold a whole file for a slow reader. */
class FileParts extends RecordBatchFileWriter {
  #parts: Uint8Array[] = [];

  constructor(schema: Schema) {
    super();
    this.reset(undefined, schema);
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    return bytes;
  }

  /**
   * Writes the schema at the start as well, as the format requires for reading a file as a stream; the library omits
   * it.
   */
  protected override _writeSchema(schema: Schema): this {
    super._writeSchema(schema);
    return this._writeMessage(Message.from(schema));
  }

  protected override _write(part: ArrayBufferView): this {
    if (!this._started || part.byteLength === 0) return this;
    this.#parts.push(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    this._position += part.byteLength;
    return this;
  }
}

function toBatch(schema: Schema, rows: readonly EmbeddingRow[], dimension: number): RecordBatch {
  const length = rows.length;
  const values = new Float32Array(length * dimension);
  for (let i = 0; i < length; i++) values.set(rows[i]!.embedding, i * dimension);
  const column = (index: number, data: object) =>
    makeData({ type: schema.fields[index]!.type, length, nullCount: 0, ...data });
  const children = [
    column(0, { data: Int32Array.from(rows, (row) => row.segment) }),
    column(1, { data: Float64Array.from(rows, (row) => row.startSec) }),
    column(2, { data: Float64Array.from(rows, (row) => row.endSec) }),
    column(3, utf8(rows.map((row) => row.option))),
    column(4, utf8(rows.map((row) => row.scope))),
    ...(dimension > 0
      ? [column(5, { child: makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values }) })]
      : []),
  ];
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

function utf8(words: readonly string[]): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = new Int32Array(words.length + 1);
  for (let i = 0; i < words.length; i++) valueOffsets[i + 1] = valueOffsets[i]! + words[i]!.length;
  return { valueOffsets, data: Buffer.from(words.join(''), 'ascii') };
}

/** Rows of a batch. Their vectors are views into the batch, not copies. */
export function toRows(batch: RecordBatch): EmbeddingRow[] {
  const [segment, startSec, endSec, option, scope] = batch.schema.fields
    .slice(0, 5)
    .map((column) => batch.getChild(column.name) as Vector);
  const embedding = batch.getChild('embedding') as Vector<FixedSizeList<Float32>>;
  const dimension = embedding.type.listSize;
  const values: Float32Array = embedding.data[0]!.children[0]!.values;
  return Array.from({ length: batch.numRows }, (_, row) => ({
    segment: segment!.get(row),
    startSec: startSec!.get(row),
    endSec: endSec!.get(row),
    option: option!.get(row),
    scope: scope!.get(row),
    embedding: values.subarray(row * dimension, (row + 1) * dimension),
  }));
}
