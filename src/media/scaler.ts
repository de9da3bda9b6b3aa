import {
  AV_FRAME_FLAG_INTERLACED,
  AV_PIX_FMT_RGB24,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  SWS_AREA,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { Undecodable } from './damage.ts';
import type { PictureSize } from './frames.ts';

/** How the coded picture lies: what turns it upright and makes its pixels square. */
export interface Orientation {
  readonly rotation: 0 | 90 | 180 | 270;
  /** Width of a coded pixel over its height. */
  readonly pixelAspect: number;
}

/**
 * Brings decoded frames to one size: upright, packed RGB. The matrix and the range of the source's colours are those
 * that it is tagged with (untagged: BT.601, limited, as FFmpeg has it); its brightness curve and primaries stay as they
 * are, so HDR is not mapped to SDR.
 */
export class Scaler implements Disposable {
  readonly #size: PictureSize;
  readonly #orientation: Orientation;
  readonly #scaled = new Frame();
  readonly #context = new SoftwareScaleContext();
  #shape = '';
  #width = 0;
  #height = 0;

  constructor(size: PictureSize, orientation: Orientation) {
    this.#size = size;
    this.#orientation = orientation;
    this.#scaled.alloc();
    // Without sizes and formats, which swscale then takes from each frame, together with its colours.
    this.#context.allocContext();
    // Area averaging: every source pixel counts, so that a small picture does not flicker with the sampling grid.
    this.#context.setOption('sws_flags', SWS_AREA);
  }

  /** @returns width × height × 3 bytes of the size asked for */
  scale(frame: Frame): Uint8Array {
    const shape = `${frame.width}x${frame.height}:${frame.format}:${frame.colorTrc}:${frame.colorPrimaries}`;
    if (shape !== this.#shape) this.#reshape(frame, shape);
    // Fields are blended where the picture gets smaller; taken apart they would lose half of its lines.
    frame.clearFlags(AV_FRAME_FLAG_INTERLACED);
    const result = this.#context.scaleFrameSync(this.#scaled, frame);
    if (result < 0) throw new Undecodable(`swscale failed with ${result} on ${shape}`);
    return this.#upright(this.#scaled.data![0]!, this.#scaled.linesize[0]!);
  }

  [Symbol.dispose](): void {
    this.#context.freeContext();
    this.#scaled.free();
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
    this.#scaled.unref();
    this.#scaled.width = this.#width;
    this.#scaled.height = this.#height;
    this.#scaled.format = AV_PIX_FMT_RGB24;
    this.#scaled.colorSpace = AVCOL_SPC_RGB;
    this.#scaled.colorRange = AVCOL_RANGE_JPEG;
    this.#scaled.colorTrc = frame.colorTrc;
    this.#scaled.colorPrimaries = frame.colorPrimaries;
    if (this.#scaled.getBuffer(0) < 0) throw new Error(`no memory for a picture of ${this.#width}x${this.#height}`);
    this.#shape = shape;
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
