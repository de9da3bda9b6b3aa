import type { Picture, TimeRange } from '../media/frames.ts';
import { JpegEncoder } from '../media/picture/jpeg.ts';

/** Pixels. */
const WIDTH_PX = 160;
/** Pictures that are offered each second: a shot of a fifth of a second still gets one of its own. */
const CANDIDATES_PER_SECOND = 5;
/** Pictures held; every second one goes when there are more, so that a shot may last for hours. */
const MAX_CANDIDATES = 128;

/** Keeps a picture from the middle of each shot, as JPEG. */
export class Thumbnails implements Disposable {
  /** What the decoder is to give to `push`. */
  readonly sampled: {
    readonly width: number;
    readonly height: number;
    readonly fit: 'stretch';
    readonly perSecond: number;
  };
  /** One JPEG file for each shot that is closed. */
  readonly files: Uint8Array[] = [];
  readonly #encoder: JpegEncoder;
  #pictures: Picture[] = [];

  /** @param shown size of the film's pictures as they are shown */
  constructor(shown: { readonly width: number; readonly height: number }) {
    const height = 2 * Math.max(1, Math.round((WIDTH_PX / 2 / shown.width) * shown.height));
    this.sampled = { width: WIDTH_PX, height, fit: 'stretch', perSecond: CANDIDATES_PER_SECOND };
    this.#encoder = new JpegEncoder(this.sampled);
  }

  push(picture: Picture): void {
    this.#pictures.push(picture);
    if (this.#pictures.length > MAX_CANDIDATES) this.#pictures = this.#pictures.filter((_, i) => i % 2 === 0);
  }

  /** The next shot, which begins where the last one ended. */
  close({ startSec, endSec }: TimeRange): void {
    const middleSec = (startSec + endSec) / 2;
    const away = ({ timeSec }: Picture) => Math.abs(timeSec - middleSec);
    const [first, ...others] = this.#pictures;
    if (!first) return;
    this.files.push(
      this.#encoder.encode(others.reduce((best, next) => (away(next) < away(best) ? next : best), first)),
    );
    // The last one before the edge stays: should the next shot have none, it is the nearest.
    const kept = this.#pictures.findLastIndex(({ timeSec }) => timeSec <= endSec);
    this.#pictures.splice(0, kept);
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]();
  }
}
