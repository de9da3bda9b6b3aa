import {
  AV_FRAME_FLAG_INTERLACED,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUV422P10LE,
  AV_PIX_FMT_YUV444P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_YUVJ422P,
  type AVPixelFormat,
  SWS_AREA,
  SWS_FAST_BILINEAR,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import type { PictureSize } from './frames.ts';
import { ScalingStep } from './scaling-step.ts';

/** How the coded picture lies: what turns it upright and makes its pixels square. */
export interface Orientation {
  readonly rotation: 0 | 90 | 180 | 270;
  /** Width of a coded pixel over its height. */
  readonly pixelAspect: number;
}

/** What cameras and encoders write, and what swscale can write too: the formats of which samples can be taken. */
const SAMPLED_FORMATS = new Set<AVPixelFormat>([
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUVJ422P,
  AV_PIX_FMT_YUV444P,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV422P10LE,
]);
/** Samples are taken of pictures so many times as large as their grid: of smaller ones every pixel is as quick. */
const WORTH_SAMPLING = 2;

/**
 * Brings decoded frames to one size: upright, packed RGB. The matrix and the range of the source's colours are those
 * that it is tagged with (untagged: BT.601, limited, as FFmpeg has it); its brightness curve and primaries stay as they
 * are, so HDR is not mapped to SDR.
 */
export class Scaler implements Disposable {
  readonly #size: PictureSize;
  readonly #orientation: Orientation;
  // Area averaging: every source pixel counts, so that a small picture does not flicker with the sampling grid.
  readonly #average = new ScalingStep(SWS_AREA);
  /** Takes the samples first. Area averaging reads and multiplies every pixel, ten times the work at 1080p. */
  readonly #sample = new ScalingStep(SWS_FAST_BILINEAR);
  #isSampled = false;
  #shape = '';
  #width = 0;
  #height = 0;

  constructor(size: PictureSize, orientation: Orientation) {
    this.#size = size;
    this.#orientation = orientation;
  }

  /** @returns width × height × 3 bytes of the size asked for */
  scale(frame: Frame): Uint8Array {
    const { width, height, format, colorSpace, colorRange, colorTrc, colorPrimaries } = frame;
    const shape = `${width}x${height}:${format}:${colorSpace}:${colorRange}:${colorTrc}:${colorPrimaries}`;
    if (shape !== this.#shape) this.#reshape(frame, shape);
    // Fields are blended where the picture gets smaller; taken apart they would lose half of its lines.
    frame.clearFlags(AV_FRAME_FLAG_INTERLACED);
    if (this.#isSampled) this.#sample.run(frame);
    this.#average.run(this.#isSampled ? this.#sample.frame : frame);
    const scaled = this.#average.frame;
    return this.#upright(scaled.data![0]!, scaled.linesize[0]!);
  }

  [Symbol.dispose](): void {
    this.#average[Symbol.dispose]();
    this.#sample[Symbol.dispose]();
  }

  #reshape(frame: Frame, shape: string): void {
    const turned = this.#orientation.rotation === 90 || this.#orientation.rotation === 270;
    const [width, height] = turned ? [this.#size.height, this.#size.width] : [this.#size.width, this.#size.height];
    this.#width = width;
    this.#height = height;
    if (this.#size.fit === 'cover') {
      const scale = Math.max(width / (frame.width * this.#orientation.pixelAspect), height / frame.height);
      this.#width = Math.max(width, Math.round(frame.width * this.#orientation.pixelAspect * scale));
      this.#height = Math.max(height, Math.round(frame.height * scale));
    }
    this.#reshapeSamples(frame);
    this.#average.reshape(frame, { width: this.#width, height: this.#height, format: AV_PIX_FMT_RGB24 });
    this.#shape = shape;
  }

  #reshapeSamples(frame: Frame): void {
    const { samples } = this.#size;
    const format = frame.format as AVPixelFormat;
    this.#isSampled = false;
    if (samples === undefined || !SAMPLED_FORMATS.has(format)) return;
    const [width, height] = [samples * this.#width, samples * this.#height];
    if (frame.width < WORTH_SAMPLING * width || frame.height < WORTH_SAMPLING * height) return;
    this.#sample.reshape(frame, { width, height, format });
    this.#isSampled = true;
  }

  /** Copies out of the padded, perhaps turned, perhaps larger frame. */
  #upright(source: Buffer, stride: number): Uint8Array {
    const { width, height } = this.#size;
    const { rotation } = this.#orientation;
    const turned = rotation === 90 || rotation === 270;
    const left = (this.#width - (turned ? height : width)) >> 1;
    const top = (this.#height - (turned ? width : height)) >> 1;
    const out = new Uint8Array(width * height * 3);
    if (rotation === 0) {
      for (let y = 0; y < height; y++) {
        const from = (top + y) * stride + left * 3;
        out.set(source.subarray(from, from + width * 3), y * width * 3);
      }
      return out;
    }
    for (let y = 0, to = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [sx, sy] =
          rotation === 90
            ? [y, width - 1 - x]
            : rotation === 180
              ? [width - 1 - x, height - 1 - y]
              : [height - 1 - y, x];
        const from = (top + sy) * stride + (left + sx) * 3;
        out[to++] = source[from]!;
        out[to++] = source[from + 1]!;
        out[to++] = source[from + 2]!;
      }
    }
    return out;
  }
}
