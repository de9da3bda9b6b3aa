import type { TimeRange } from '../domain/time-range.ts';
import { Heartbeat } from './heartbeat.ts';

/** Minimum interval between progress reports, in milliseconds. */
const REPORT_INTERVAL_MS = 500;

/** Tracks of a chunk that are processed. */
export interface ProcessedTracks {
  readonly pictures: boolean;
  /** Sound that is embedded. */
  readonly sound: boolean;
  /** Sound that is transcribed. */
  readonly speech: boolean;
}

/** Progress of a chunk on each of its tracks. Reports the slowest one, also while nothing advances. */
export class ChunkProgress implements Disposable {
  /** Time up to which all pictures are decoded, in seconds from the start of the file; infinite if none are processed. */
  pictureSec: number;
  /** The same for embedded sound. */
  soundSec: number;
  /** The same for transcribed sound. */
  speechSec: number;
  readonly #range: TimeRange;
  readonly #onProgress: (doneSec: number) => void;
  readonly #heartbeat: Heartbeat;
  #reportedAt = performance.now();

  /** @param onProgress receives the seconds of the range that are done */
  constructor(range: TimeRange, tracks: ProcessedTracks, onProgress: (doneSec: number) => void) {
    const start = (isProcessed: boolean) => (isProcessed ? range.startSec : Number.POSITIVE_INFINITY);
    this.pictureSec = start(tracks.pictures);
    this.soundSec = start(tracks.sound);
    this.speechSec = start(tracks.speech);
    this.#range = range;
    this.#onProgress = onProgress;
    this.#heartbeat = new Heartbeat(() => this.#report());
  }

  /** Time up to which pictures and sound are complete. */
  get completeSec(): number {
    return Math.min(this.pictureSec, this.soundSec);
  }

  /** Notes that the work advances. Reports it if the last report is `REPORT_INTERVAL_MS` ago. */
  advanced(): void {
    this.#heartbeat.progressed();
    if (performance.now() - this.#reportedAt >= REPORT_INTERVAL_MS) this.#report();
  }

  #report(): void {
    this.#reportedAt = performance.now();
    const { startSec, endSec } = this.#range;
    this.#onProgress(Math.max(0, Math.min(this.completeSec, this.speechSec, endSec) - startSec));
  }

  [Symbol.dispose](): void {
    this.#heartbeat[Symbol.dispose]();
  }
}
