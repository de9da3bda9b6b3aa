import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrackOption } from '../domain/option.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { AudioClip, AudioEncoder, VisualClip, VisualEncoder } from '../encode/encoder.ts';
import { BatchEncoder } from './batch-encoder.ts';
import type { ClipAssembler } from './clip-assembler.ts';

/** Segments per encoder call: enough for a model to batch, few enough to keep in memory. */
const BATCH_SEGMENTS = 8;
/** Size of the waiting pictures at which the encoders are called early, in bytes. Some models take large pictures. */
const MAX_BATCH_PICTURE_BYTES = 64 * 1024 ** 2;

/** Embeds the pictures and sound of segments in order of time, as the content of each becomes complete. */
export class SegmentEmbedder {
  /** Segments whose clips are with the encoders. */
  readonly segments: TimeRange[] = [];
  readonly #clips: ClipAssembler;
  readonly #visual: BatchEncoder<VisualClip> | undefined;
  readonly #audio: BatchEncoder<AudioClip> | undefined;
  /** Segments with known edges whose content is not complete. */
  readonly #waiting: TimeRange[] = [];
  /** Size of the pictures that wait for the encoder, in bytes. */
  #pictureBytes = 0;

  /** An option without an encoder has no vectors. */
  constructor(
    clips: ClipAssembler,
    { visual, audio }: { visual?: VisualEncoder | undefined; audio?: AudioEncoder | undefined },
  ) {
    this.#clips = clips;
    this.#visual = visual && new BatchEncoder<VisualClip>(visual);
    this.#audio = audio && new BatchEncoder<AudioClip>(audio);
  }

  /** Adds segments, in order of time. */
  add(segments: readonly TimeRange[]): void {
    this.#waiting.push(...segments);
  }

  /** Embeds the segments that end by a time, up to which the clips have all pictures and sound. */
  async embedUpTo(timeSec: number): Promise<void> {
    while (this.#waiting.length > 0 && this.#waiting[0]!.endSec <= timeSec) {
      const segment = this.#waiting.shift()!;
      this.segments.push(segment);
      if (this.#visual) this.#pushPictures(this.#visual, segment);
      this.#audio?.push(this.#clips.audio(segment));
      this.#clips.drop(segment.endSec);
      if (this.segments.length % BATCH_SEGMENTS === 0 || this.#pictureBytes >= MAX_BATCH_PICTURE_BYTES) {
        await this.#flush();
        await nextTurn(); // Sends pending messages to the parent process.
      }
    }
  }

  /** Embeds the remaining segments. @returns one entry per segment for each encoder */
  async end(): Promise<Partial<Record<TrackOption, readonly (Float32Array | undefined)[]>>> {
    await this.embedUpTo(Number.POSITIVE_INFINITY);
    await this.#flush();
    return {
      ...(this.#visual && { visual: this.#visual.vectors }),
      ...(this.#audio && { audio: this.#audio.vectors }),
    };
  }

  #pushPictures(visual: BatchEncoder<VisualClip>, segment: TimeRange): void {
    const clip = this.#clips.visual(segment);
    visual.push(clip);
    for (const { data } of clip?.pictures ?? []) this.#pictureBytes += data.length;
  }

  async #flush(): Promise<void> {
    this.#pictureBytes = 0;
    await this.#visual?.flush();
    await this.#audio?.flush();
  }
}
