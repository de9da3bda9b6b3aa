import {
  AV_PIX_FMT_RGB24,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  type AVPixelFormat,
  type SwsFlags,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { Undecodable } from '../damage.ts';

/** One swscale context and the frame that it writes into, again and again. */
export class ScalingStep implements Disposable {
  /** What the last call of `run` has made. */
  readonly frame = new Frame();
  /** The first plane of `frame`, rows from the top, each `stride` bytes after the one before; until the next `reshape`. */
  plane: Uint8Array = new Uint8Array();
  stride = 0;
  readonly #context = new SoftwareScaleContext();

  constructor(flags: SwsFlags) {
    this.frame.alloc();
    // Without sizes and formats, which swscale then takes from each frame, together with its colours.
    this.#context.allocContext();
    this.#context.setOption('sws_flags', flags);
  }

  /** Makes room for pictures of a size and format. Packed RGB is full range; others keep the colours of `source`. */
  reshape(source: Frame, { width, height, format }: { width: number; height: number; format: AVPixelFormat }): void {
    const { frame } = this;
    const isRgb = format === AV_PIX_FMT_RGB24;
    frame.unref();
    frame.width = width;
    frame.height = height;
    frame.format = format;
    frame.colorSpace = isRgb ? AVCOL_SPC_RGB : source.colorSpace;
    frame.colorRange = isRgb ? AVCOL_RANGE_JPEG : source.colorRange;
    // HDR is not mapped to SDR: brightness curve and primaries stay as they are.
    frame.colorTrc = source.colorTrc;
    frame.colorPrimaries = source.colorPrimaries;
    if (frame.getBuffer(0) < 0) throw new Error(`no memory for a picture of ${width}x${height}`);
    // Asked for once: each time makes objects that only a whole garbage collection takes away.
    const { buffer, byteOffset, byteLength } = frame.data![0]!;
    this.plane = new Uint8Array(buffer, byteOffset, byteLength);
    this.stride = frame.linesize[0]!;
  }

  /** @throws {Undecodable} when swscale cannot do anything with the frame */
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
