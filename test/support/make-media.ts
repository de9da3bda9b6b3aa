import { rmSync, writeFileSync } from 'node:fs';
import { Decoder, Demuxer, Encoder, Muxer } from 'node-av/api';
import { AV_LOG_QUIET, FF_ENCODER_AAC, FF_ENCODER_LIBX264, type FFEncoderCodec } from 'node-av/constants';
import { Log, type Packet } from 'node-av/lib';

/** Media generated with FFmpeg's sources, so that tests need no media files. */
export interface MediaRecipe {
  /** Filter graph without inputs that outputs pictures: `testsrc2=size=640x360:rate=24:duration=8`. */
  readonly video?: string;
  /** Filter graph without inputs that outputs sound: `sine=frequency=440:duration=8`. */
  readonly audio?: string;
  /** SubRip track, for containers that support one (Matroska). */
  readonly subtitles?: readonly { startSec: number; endSec: number; text: string }[];
  readonly audioCodec?: FFEncoderCodec;
  /** Default: H.264. */
  readonly videoCodec?: FFEncoderCodec;
  /** FFmpeg's name of a pixel format that `videoCodec` accepts. Default: yuv420p. */
  readonly pixelFormat?: string;
  /** FFmpeg's name of the container format. Default: by the extension of the path. */
  readonly format?: string;
  /** Options of the muxer. */
  readonly muxing?: Readonly<Record<string, string>>;
  /** Added to all timestamps, in seconds; default 0. */
  readonly startSec?: number;
}

/** Writes a media file. @returns the path */
export function makeMedia(path: string, recipe: MediaRecipe): string {
  Log.setLevel(AV_LOG_QUIET);
  const { video, audio, subtitles, audioCodec = FF_ENCODER_AAC, videoCodec = FF_ENCODER_LIBX264 } = recipe;
  const { pixelFormat = 'yuv420p', format, muxing, startSec = 0 } = recipe;
  using tracks = new DisposableStack();
  const encoded = [
    video && tracks.use(new Generated(`${video},format=${pixelFormat}`, videoCodec)),
    audio && tracks.use(new Generated(audio, audioCodec)),
  ].filter((track) => track instanceof Generated);
  const text = subtitles && tracks.use(openSubtitles(path, subtitles));
  const textStream = text?.streams[0];
  // Opened last, so that it is closed before the encoders that it refers to.
  using output = Muxer.openSync(path, { options: muxing, ...(format && { format }) });
  const sources = encoded.map((track) => ({ index: output.addStream(track.encoder), packets: track.packets() }));
  if (text && textStream)
    sources.push({ index: output.addStream(textStream), packets: text.packetsSync(textStream.index) });
  interleave(output, sources, startSec);
  return path;
}

/** Writes the packets of all tracks in order of time, as muxers require. */
function interleave(
  output: Muxer,
  sources: { index: number; packets: Iterable<Packet | null> }[],
  startSec: number,
): void {
  const open = sources.map(({ index, packets }) => ({ index, packets: packets[Symbol.iterator](), timeSec: 0 }));
  while (open.length > 0) {
    const earliest = open.reduce((first, other) => (other.timeSec < first.timeSec ? other : first));
    const { value: packet, done } = earliest.packets.next();
    if (packet) {
      const { num, den } = packet.timeBase;
      earliest.timeSec = (Number(packet.pts) * num) / den;
      const offset = BigInt(Math.round((startSec * den) / num));
      packet.pts += offset;
      packet.dts += offset;
      output.writePacketSync(packet, earliest.index);
      packet.free();
    }
    if (done) open.splice(open.indexOf(earliest), 1);
  }
}

/** Filter graph of several scenes with hard cuts between them, for shot detection. */
export function cutsBetween(looks: readonly string[], { size = '640x360', rate = 24, secondsEach = 3 } = {}): string {
  const parts = looks.map(
    (look, i) =>
      `${look}${look.includes('=') ? ':' : '='}size=${size}:rate=${rate},trim=duration=${secondsEach}[v${i}]`,
  );
  return `${parts.join(';')};${looks.map((_, i) => `[v${i}]`).join('')}concat=n=${looks.length}:v=1:a=0`;
}

/** Encodes the output of a filter graph without inputs. */
class Generated implements Disposable {
  readonly encoder: Encoder;
  readonly #input: Demuxer;
  readonly #decoder: Decoder;

  constructor(graph: string, codec: FFEncoderCodec) {
    this.#input = Demuxer.openSync(graph, { format: 'lavfi' });
    this.#decoder = Decoder.createSync(this.#input.streams[0]!);
    // No codec options: with any, node-av 6.1.1 crashes the process at exit.
    this.encoder = Encoder.createSync(codec, { decoder: this.#decoder, autoResample: true });
  }

  packets(): Iterable<Packet | null> {
    return this.encoder.packetsSync(this.#decoder.framesSync(this.#input.packetsSync(0)));
  }

  [Symbol.dispose](): void {
    this.encoder[Symbol.dispose]();
    this.#decoder[Symbol.dispose]();
    this.#input[Symbol.dispose]();
  }
}

function openSubtitles(path: string, lines: readonly { startSec: number; endSec: number; text: string }[]): Demuxer {
  const file = `${path}.srt`;
  const stamp = (sec: number) => new Date(sec * 1000).toISOString().slice(11, 23).replace('.', ',');
  writeFileSync(
    file,
    lines
      .map(({ startSec, endSec, text }, i) => `${i + 1}\n${stamp(startSec)} --> ${stamp(endSec)}\n${text}\n`)
      .join('\n'),
  );
  try {
    return Demuxer.openSync(file);
  } finally {
    rmSync(file);
  }
}
