import type { TimeRange } from '../domain/time-range.ts';
import type { Picture } from '../media/frames.ts';
import { JpegEncoder } from '../media/picture/jpeg.ts';

/** Width of a thumbnail, in pixels. */
const WIDTH_PX = 160;
/** Candidate pictures per second. At five, a shot of 0.2 s still has one. */
const CANDIDATES_PER_SECOND = 5;
/** Maximum number of buffered candidates. Beyond it every second one is dropped, so a shot may last for hours. */
const MAX_CANDIDATES = 128;

/** Collects a JPEG thumbnail from the middle of each shot. */
export class Thumbnails implements Disposable {
  /** Size and rate of the pictures that the decoder samples for `push`. */
  readonly sampled: {
    readonly width: number;
    readonly height: number;
    readonly fit: 'stretch';
    readonly perSecond: number;
  };
  /** One JPEG file per closed shot; none for a film without a picture so far. */
  readonly files: Uint8Array[] = [];
  readonly #encoder: JpegEncoder;
  #pictures: Picture[] = [];

  /** @param shown display size of the film, in pixels */
  constructor(shown: { readonly width: number; readonly height: number }) {
    const height = 2 * Math.max(1, Math.round((WIDTH_PX / 2 / shown.width) * shown.height));
    this.sampled = { width: WIDTH_PX, height, fit: 'stretch', perSecond: CANDIDATES_PER_SECOND };
    this.#encoder = new JpegEncoder(this.sampled);
  }

  push(picture: Picture): void {
    this.#pictures.push(picture);
    if (this.#pictures.length > MAX_CANDIDATES) this.#pictures = this.#pictures.filter((_, i) => i % 2 === 0);
  }

  /** Closes a shot, which starts where the previous one ended, and encodes its thumbnail. */
  close({ startSec, endSec }: TimeRange): void {
    const middleSec = (startSec + endSec) / 2;
    const distanceSec = ({ timeSec }: Picture) => Math.abs(timeSec - middleSec);
    const [first, ...others] = this.#pictures;
    if (!first) return;
    this.files.push(
      this.#encoder.encode(others.reduce((best, next) => (distanceSec(next) < distanceSec(best) ? next : best), first)),
    );
    // The last picture before the boundary stays, as the nearest one for a next shot without pictures.
    const kept = this.#pictures.findLastIndex(({ timeSec }) => timeSec <= endSec);
    this.#pictures.splice(0, kept);
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]();
  }
}
