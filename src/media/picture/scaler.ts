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
import type { PictureFormat, PictureSize } from '../frames.ts';
import { Slab } from '../slab.ts';
import { Resizer, type Size } from './resize.ts';
import { ScalingStep } from './scaling-step.ts';

/** Rotation and pixel aspect ratio of a coded picture. */
export interface Orientation {
  /** Clockwise rotation that brings the picture upright, in degrees. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Width of a coded pixel over its height. */
  readonly pixelAspect: number;
}

/** Pixel formats that can be sampled: common in cameras and encoders, and supported as swscale output. */
const SAMPLEABLE_FORMATS = new Set<AVPixelFormat>([
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUVJ422P,
  AV_PIX_FMT_YUV444P,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV422P10LE,
]);
/** Minimum size of a picture relative to its sampling grid. For smaller ones, averaging all pixels is as fast. */
const MIN_SAMPLING_RATIO = 2;

/**
 * Scales decoded frames to one size, upright, in packed RGB. Uses the source's tagged colour matrix and range (untagged:
 * BT.601 limited, FFmpeg's default). Transfer characteristics and primaries are kept, so HDR is not mapped to SDR.
 */
export class Scaler implements Disposable {
  readonly #size: PictureFormat;
  readonly #orientation: Orientation;
  // Area averaging uses every source pixel, so that small pictures do not flicker with the sampling grid.
  readonly #average = new ScalingStep(SWS_AREA);
  /** Sampling before the averaging. Area averaging of all pixels takes ten times as long at 1080p. */
  readonly #sample = new ScalingStep(SWS_FAST_BILINEAR);
  readonly #memory = new Slab();
  #isSampled = false;
  #shape = '';
  /** For Pillow's filters; swscale then converts the colours only. */
  #resizer: Resizer | undefined;
  /** Upright size of the output. */
  #target: Size = { width: 0, height: 0 };
  /** Size of the whole picture before the crop. */
  #width = 0;
  #height = 0;

  constructor(size: PictureFormat, orientation: Orientation) {
    this.#size = size;
    this.#orientation = orientation;
  }

  /** Scales a frame. @returns packed RGB of the requested size */
  scale(frame: Frame): Size & { readonly data: Uint8Array } {
    const { width, height, format, colorSpace, colorRange, colorTrc, colorPrimaries } = frame;
    const shape = `${width}x${height}:${format}:${colorSpace}:${colorRange}:${colorTrc}:${colorPrimaries}`;
    if (shape !== this.#shape) this.#reshape(frame, shape);
    // Scaling blends the fields of interlaced frames. Scaling fields separately would lose half of the lines.
    frame.clearFlags(AV_FRAME_FLAG_INTERLACED);
    if (this.#isSampled) this.#sample.run(frame);
    this.#average.run(this.#isSampled ? this.#sample.frame : frame);
    const { plane, stride } = this.#average;
    const data = this.#resizer
      ? this.#upright(this.#resizer.apply(plane, stride), this.#turned().width * 3, { left: 0, top: 0 })
      : this.#upright(plane, stride, this.#cropOffset());
    return { ...this.#target, data };
  }

  [Symbol.dispose](): void {
    this.#average[Symbol.dispose]();
    this.#sample[Symbol.dispose]();
  }

  #reshape(frame: Frame, shape: string): void {
    const size = this.#size;
    const { filter = 'area' } = size;
    this.#target = size.fit === 'shape' ? size.sizeFor(this.#shownSize(frame)) : size;
    const { width, height } = this.#turned();
    this.#width = width;
    this.#height = height;
    if (size.fit === 'cover') this.#cover(size, frame.width * this.#orientation.pixelAspect, frame.height);
    const from = { width: frame.width, height: frame.height };
    const to = { width: this.#width, height: this.#height };
    this.#resizer =
      filter === 'area' ? undefined : new Resizer({ from, to, crop: { ...this.#cropOffset(), width, height }, filter });
    this.#reshapeSamples(frame);
    this.#average.reshape(frame, { ...(this.#resizer ? from : to), format: AV_PIX_FMT_RGB24 });
    this.#shape = shape;
  }

  /** Display size of a frame: upright, in square pixels. */
  #shownSize({ width, height }: Frame): Size {
    return this.#turn({ width: width * this.#orientation.pixelAspect, height });
  }

  /** The requested size in the orientation of the coded picture. */
  #turned(): Size {
    return this.#turn(this.#target);
  }

  /** Swaps the sides of a size if the rotation does. */
  #turn({ width, height }: Size): Size {
    const isTurned = this.#orientation.rotation === 90 || this.#orientation.rotation === 270;
    return isTurned ? { width: height, height: width } : { width, height };
  }

  /** Sets the size of the uncropped picture so that it covers the requested size. Lengths are in square pixels. */
  #cover({ shortestEdge, filter = 'area' }: PictureSize, pictureWidth: number, pictureHeight: number): void {
    const { width, height } = this.#turned();
    const scale =
      shortestEdge === undefined
        ? Math.max(width / pictureWidth, height / pictureHeight)
        : shortestEdge / Math.min(pictureWidth, pictureHeight);
    // Model preprocessors truncate the size.
    const whole = filter === 'area' ? Math.round : (size: number) => Math.floor(size + 1e-6);
    this.#width = Math.max(width, whole(pictureWidth * scale));
    this.#height = Math.max(height, whole(pictureHeight * scale));
  }

  /** Offset of the requested size in the uncropped picture, in pixels. */
  #cropOffset(): { left: number; top: number } {
    const { width, height } = this.#turned();
    return { left: (this.#width - width) >> 1, top: (this.#height - height) >> 1 };
  }

  #reshapeSamples(frame: Frame): void {
    const samples = this.#size.fit === 'shape' ? undefined : this.#size.samples;
    const format = frame.format as AVPixelFormat;
    this.#isSampled = false;
    if (samples === undefined || this.#resizer || !SAMPLEABLE_FORMATS.has(format)) return;
    const [width, height] = [samples * this.#width, samples * this.#height];
    if (frame.width < MIN_SAMPLING_RATIO * width || frame.height < MIN_SAMPLING_RATIO * height) return;
    this.#sample.reshape(frame, { width, height, format });
    this.#isSampled = true;
  }

  /** Copies the requested size out of a frame, without padding, upright and cropped. */
  #upright(source: Uint8Array, stride: number, { left, top }: { left: number; top: number }): Uint8Array {
    const { width, height } = this.#target;
    const { rotation } = this.#orientation;
    const out = this.#memory.bytes(width * height * 3);
    if (rotation === 0 && stride === width * 3) {
      out.set(source.subarray(top * stride, (top + height) * stride));
      return out;
    }
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
