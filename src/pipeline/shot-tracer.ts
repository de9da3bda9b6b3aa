import type { Picture } from '../media/frames.ts';
import { GRADUAL_THRESHOLD, type ShotObserver } from '../segment/shots.ts';
import type { ShotTrace } from '../workers/protocol.ts';

/** Records the shot detector's measurements for each picture. */
export class ShotTracer implements ShotObserver {
  readonly #timesSec: number[] = [];
  readonly #change: number[] = [];
  readonly #threshold: number[] = [];
  readonly #gradual: number[] = [];

  picture({ timeSec }: Picture): void {
    this.#timesSec.push(timeSec);
  }

  change(frame: number, size: number, threshold: number): void {
    this.#change[frame] = size;
    this.#threshold[frame] = threshold;
  }

  gradual(frame: number, score: number): void {
    this.#gradual[frame] = score;
  }

  /** @returns the trace, with 0 for pictures without a measurement */
  end(thumbnails: readonly Uint8Array[]): ShotTrace {
    const perFrame = (values: readonly number[]) => Float32Array.from(this.#timesSec, (_, frame) => values[frame] ?? 0);
    return {
      timesSec: Float64Array.from(this.#timesSec),
      change: perFrame(this.#change),
      changeThreshold: perFrame(this.#threshold),
      gradual: perFrame(this.#gradual),
      gradualThreshold: GRADUAL_THRESHOLD,
      thumbnails,
    };
  }
}
