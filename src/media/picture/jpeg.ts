import {
  AV_CODEC_FLAG_QSCALE,
  AV_CODEC_ID_MJPEG,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_RGB,
  FF_QP2LAMBDA,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational, SoftwareScaleContext } from 'node-av/lib';
import type { Picture } from '../frames.ts';

/** FFmpeg's quantizer scale, from 2 (best) to 31 (worst). At 5, a picture of 160 × 90 pixels has about 5 kB. */
const QUANTIZER_SCALE = 5;

/** Encodes pictures of one size as JPEG files. For media workers only. */
export class JpegEncoder implements Disposable {
  readonly #codec = new CodecContext();
  readonly #scale = new SoftwareScaleContext();
  readonly #frame = new Frame();
  readonly #packet = new Packet();

  /** @param size in pixels, both even */
  constructor({ width, height }: { readonly width: number; readonly height: number }) {
    const codec = Codec.findEncoder(AV_CODEC_ID_MJPEG);
    this.#codec.allocContext3(codec);
    this.#codec.width = width;
    this.#codec.height = height;
    this.#codec.pixelFormat = AV_PIX_FMT_YUV420P;
    this.#codec.colorRange = AVCOL_RANGE_JPEG;
    this.#codec.timeBase = new Rational(1, 25);
    this.#codec.flags = AV_CODEC_FLAG_QSCALE;
    this.#codec.globalQuality = QUANTIZER_SCALE * FF_QP2LAMBDA;
    const opened = this.#codec.open2Sync(codec, null);
    if (opened < 0) throw new Error(`The JPEG encoder did not open (${opened}).`);
    // Without sizes and formats: swscale takes them from the frames, together with the colour properties.
    this.#scale.allocContext();
    this.#frame.alloc();
    this.#frame.width = width;
    this.#frame.height = height;
    this.#frame.format = AV_PIX_FMT_YUV420P;
    this.#frame.colorRange = AVCOL_RANGE_JPEG;
    this.#frame.colorSpace = AVCOL_SPC_BT470BG; // BT.601, the matrix of all JPEG files
    if (this.#frame.getBuffer(0) < 0) throw new Error(`no memory for a picture of ${width}x${height}`);
    this.#packet.alloc();
  }

  encode({ width, height, data }: Picture): Uint8Array {
    const rgb = { width, height, format: AV_PIX_FMT_RGB24, timeBase: { num: 1, den: 25 } };
    using source = Frame.fromVideoBuffer(Buffer.from(data.buffer, data.byteOffset, data.byteLength), rgb);
    source.colorRange = AVCOL_RANGE_JPEG;
    source.colorSpace = AVCOL_SPC_RGB;
    this.#frame.makeWritable();
    const scaled = this.#scale.scaleFrameSync(this.#frame, source);
    if (scaled < 0) throw new Error(`swscale failed with ${scaled} on a picture of ${width}x${height}`);
    this.#frame.quality = this.#codec.globalQuality;
    this.#codec.sendFrameSync(this.#frame);
    const received = this.#codec.receivePacketSync(this.#packet);
    if (received < 0) throw new Error(`The JPEG encoder gave no picture (${received}).`);
    const file = Uint8Array.from(this.#packet.data!);
    this.#packet.unref();
    return file;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#frame.free();
    this.#scale.freeContext();
    this.#codec.freeContext();
  }
}
