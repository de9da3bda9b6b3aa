import {
  AV_PIX_FMT_RGB24,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  type AVPixelFormat,
  type SwsFlags,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { Undecodable } from '../damage.ts';

/** A swscale context with a reused output frame. */
export class ScalingStep implements Disposable {
  /** Output of the last `run`. */
  readonly frame = new Frame();
  /** First plane of `frame`: rows from the top, `stride` bytes apart. Valid until the next `reshape`. */
  plane: Uint8Array = new Uint8Array();
  /** Distance of two rows of `plane`, in bytes. */
  stride = 0;
  readonly #context = new SoftwareScaleContext();

  constructor(flags: SwsFlags) {
    this.frame.alloc();
    // Without sizes and formats: swscale takes them from each frame, together with its colour properties.
    this.#context.allocContext();
    this.#context.setOption('sws_flags', flags);
  }

  /** Allocates the output frame. Packed RGB is full range; other formats keep the colour properties of `source`. */
  reshape(source: Frame, { width, height, format }: { width: number; height: number; format: AVPixelFormat }): void {
    const { frame } = this;
    const isRgb = format === AV_PIX_FMT_RGB24;
    frame.unref();
    frame.width = width;
    frame.height = height;
    frame.format = format;
    frame.colorSpace = isRgb ? AVCOL_SPC_RGB : source.colorSpace;
    frame.colorRange = isRgb ? AVCOL_RANGE_JPEG : source.colorRange;
    // HDR is not mapped to SDR: transfer characteristics and primaries are kept.
    frame.colorTrc = source.colorTrc;
    frame.colorPrimaries = source.colorPrimaries;
    if (frame.getBuffer(0) < 0) throw new Error(`no memory for a picture of ${width}x${height}`);
    // Read once: each access creates objects that only a full garbage collection frees.
    const { buffer, byteOffset, byteLength } = frame.data![0]!;
    this.plane = new Uint8Array(buffer, byteOffset, byteLength);
    this.stride = frame.linesize[0]!;
  }

  /** Scales a frame into `frame`. @throws {Undecodable} if swscale refuses it */
  run(source: Frame): void {
    const result = this.#context.scaleFrameSync(this.frame, source);
    if (result < 0) {
      throw new Undecodable(`swscale failed with ${result} on ${source.width}x${source.height}:${source.format}`);
    }
  }

  [Symbol.dispose](): void {
    this.#context.freeContext();
    this.frame.free();
  }
}
