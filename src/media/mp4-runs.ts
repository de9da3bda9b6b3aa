import { type Table, Unusual } from './mp4-boxes.ts';

/** Samples of a track by their numbers, counted from 0; `to` is not among them. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The longest that a sample may last for FFmpeg, in ticks: beyond, it takes it for negative (`max_stts_delta`). */
export const LONGEST_TICKS = 2 ** 32 - 2 ** 20;

/**
 * A table that says in runs what each sample has: rows of how many samples, and their value. It may have as many rows as
 * the track has samples, so it is walked along and never held.
 */
export class Runs {
  readonly #table: Table;
  #row = -1;
  /** Of the run at hand. */
  value = 0;
  /** The first sample of the run at hand. */
  from = 0;
  /** The sample behind it. */
  to = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Goes to the next run. @returns whether there is one */
  next(): boolean {
    if (++this.#row >= this.#table.rows) return false;
    this.from = this.to;
    this.to += this.#table.at(this.#row, 0);
    this.value = this.#table.at(this.#row, 1);
    if (this.to === this.from) throw new Unusual('a run of no samples');
    return true;
  }

  /** Goes on to the run that has a sample. */
  seek(sample: number): void {
    while (this.to <= sample) if (!this.next()) throw new Unusual(`no run for sample ${sample}`);
  }
}

/** The rows of a table of runs for the samples of a span only: count and value in turn. */
export function cutRuns(table: Table, { from, to }: Span): number[] {
  const rows: number[] = [];
  const runs = new Runs(table);
  for (let sample = from; sample < to; sample = runs.to) {
    runs.seek(sample);
    rows.push(Math.min(runs.to, to) - sample, runs.value);
  }
  return rows;
}

/** Decoding times of samples by the table of their durations (`stts`), in ticks of the track's clock. */
export class DecodingTimes {
  readonly #table: Table;
  /** All samples that the table has. */
  readonly samples: number;
  /** When the last of them ends. */
  readonly ticks: number;

  /** @throws {Unusual} where a duration is meant to be negative */
  constructor(table: Table) {
    this.#table = table;
    const runs = new Runs(table);
    let ticks = 0;
    while (runs.next()) {
      if (runs.value > LONGEST_TICKS) throw new Unusual('a negative duration');
      ticks += runs.value * (runs.to - runs.from);
    }
    this.samples = runs.to;
    this.ticks = ticks;
  }

  /** When a sample begins, or the last one ends. */
  of(sample: number): number {
    const runs = new Runs(this.#table);
    let ticks = 0;
    while (runs.to < sample && runs.next()) ticks += runs.value * (Math.min(runs.to, sample) - runs.from);
    return ticks;
  }

  /** The first sample at or after a time; behind the last one where there is none. */
  at(ticks: number): number {
    const runs = new Runs(this.#table);
    for (let start = 0; runs.next(); ) {
      const end = start + runs.value * (runs.to - runs.from);
      if (end > ticks) return runs.from + Math.max(0, Math.ceil((ticks - start) / runs.value));
      start = end;
    }
    return runs.to;
  }
}
