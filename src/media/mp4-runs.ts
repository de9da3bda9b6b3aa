import { type Table, Unusual } from './mp4-boxes.ts';

/** The longest that a sample may last for FFmpeg, in ticks: beyond, it takes it for negative (`max_stts_delta`). */
export const LONGEST_TICKS = 2 ** 32 - 2 ** 20;
/** How many runs lie between two places from which a table can be read on. */
const MARK_RUNS = 2 ** 12;

/** Samples of a track by their numbers, counted from 0; `to` is not among them. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where a run begins. */
interface Mark {
  readonly row: number;
  readonly sample: number;
  /** Of the values of all samples before it. */
  readonly sum: number;
}

/**
 * A table that says in runs what each sample has: rows of how many samples, and their value. It may have as many rows as
 * the track has samples, so it is read along and never held.
 */
export class Runs {
  readonly #table: Table;
  readonly #marks: Mark[] = [];
  readonly samples: number;
  /** Of the values of all samples. */
  readonly sum: number;

  /** @throws {Unusual} where there is no run, or one of no samples */
  constructor(table: Table) {
    if (table.rows === 0) throw new Unusual('no runs');
    this.#table = table;
    const cursor = new Cursor(table, { row: 0, sample: 0, sum: 0 });
    for (let row = 0; row < table.rows; row++) {
      if (row % MARK_RUNS === 0) this.#marks.push({ row, sample: cursor.to, sum: cursor.sumTo });
      cursor.next();
    }
    this.samples = cursor.to;
    this.sum = cursor.sumTo;
  }

  get rows(): number {
    return this.#table.rows;
  }

  /** The run of a sample, from which one can go on to the next ones. */
  at(sample: number): Cursor {
    const cursor = this.#after((mark) => mark.sample <= sample);
    while (cursor.to <= sample) cursor.next();
    return cursor;
  }

  /** The run in which the sum of the values so far goes beyond a number. */
  atSum(sum: number): Cursor {
    const cursor = this.#after((mark) => mark.sum <= sum);
    while (cursor.sumTo <= sum) cursor.next();
    return cursor;
  }

  /** Rows of such a table for the samples of a span only: count and value in turn. */
  cut({ from, to }: Span): number[] {
    const rows: number[] = [];
    if (from === to) return rows;
    const cursor = this.at(from);
    for (let sample = from; ; cursor.next()) {
      const end = Math.min(cursor.to, to);
      rows.push(end - sample, cursor.value);
      if (end === to) return rows;
      sample = end;
    }
  }

  #after(isBefore: (mark: Mark) => boolean): Cursor {
    return new Cursor(this.#table, this.#marks.findLast(isBefore) ?? this.#marks[0]!);
  }
}

/** Goes along a table of runs; stands before the first one. */
class Cursor {
  readonly #table: Table;
  #next: number;
  /** The first sample of the run, and the one behind it. */
  from: number;
  to: number;
  value = 0;
  /** Of the values of all samples before the run, and to its end. */
  sumFrom: number;
  sumTo: number;

  constructor(table: Table, { row, sample, sum }: Mark) {
    this.#table = table;
    this.#next = row;
    this.from = this.to = sample;
    this.sumFrom = this.sumTo = sum;
  }

  next(): void {
    if (this.#next >= this.#table.rows) throw new Unusual('fewer runs than expected');
    const count = this.#table.at(this.#next, 0);
    if (count === 0) throw new Unusual('a run of no samples');
    this.value = this.#table.at(this.#next, 1);
    this.from = this.to;
    this.to += count;
    this.sumFrom = this.sumTo;
    this.sumTo += count * this.value;
    this.#next++;
  }
}
