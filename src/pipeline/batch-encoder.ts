import type { Encoder } from '../encode/encoder.ts';

/** Collects the clips of one option, and encodes them in batches. A segment without a clip has an undefined vector. */
export class BatchEncoder<Clip> {
  /** One entry per pushed segment; set by `flush`. */
  readonly vectors: (Float32Array | undefined)[] = [];
  readonly #encoder: Encoder<Clip>;
  #clips: Clip[] = [];
  #positions: number[] = [];

  constructor(encoder: Encoder<Clip>) {
    this.#encoder = encoder;
  }

  /** Adds the clip of the next segment. */
  push(clip: Clip | undefined): void {
    this.vectors.push(undefined);
    if (clip === undefined) return;
    this.#clips.push(clip);
    this.#positions.push(this.vectors.length - 1);
  }

  /** Encodes the clips since the last call. */
  async flush(): Promise<void> {
    if (this.#clips.length === 0) return;
    const vectors = await this.#encoder.encode(this.#clips);
    vectors.forEach((vector, i) => {
      this.vectors[this.#positions[i]!] = vector;
    });
    this.#clips = [];
    this.#positions = [];
  }
}
