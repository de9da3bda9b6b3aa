import {
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_KEY,
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVIO_FLAG_READ,
  AVSEEK_FLAG_BACKWARD,
  AVSEEK_FLAG_BYTE,
} from 'node-av/constants';
import { IOContext, Packet, type Stream } from 'node-av/lib';
import type { Clock } from './clock.ts';
import { type Container, ratio } from './container.ts';

/**
 * Time before the range at which reading starts, in seconds. Audio decoders need a few packets to settle, and a container
 * may store sound well before the picture of the same time.
 */
export const PRE_ROLL_SEC = 2;

/** Makes the demuxer skip all tracks but these. */
export function readOnly(container: Container, wanted: readonly (Stream | undefined)[]): void {
  for (const stream of container.context.streams) {
    stream.discard = wanted.some((other) => other?.index === stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

/** Formats whose index is complete, so that a seek always finds the right key frame. */
const INDEXED_FORMATS = /mp4|matroska/;
/** MPEG-TS and MPEG-PS: they have no header, and a picture ends where the next one begins. */
const HEADERLESS_STREAMS = /^mpeg(ts)?$/;
/** First step back after a seek that found no key frame, in seconds. Doubles with each further one. */
const FIRST_BACK_STEP_SEC = 4;

/**
 * Seeks to a key frame at or before a time. In formats without an index, above all MPEG-TS, a seek by timestamp may end
 * within a group of pictures, or after the picture that is still shown: the seek is then repeated further back.
 * @param timeSec seconds from the start of the file
 * @param stream the track that has to be decodable at that time
 */
export function seek(container: Container, timeSec: number, clock: Clock | undefined, stream?: Stream): void {
  const { context, startSec } = container;
  if (clock) {
    context.seekFrameSync(-1, BigInt(clock.byteBefore(timeSec)), AVSEEK_FLAG_BYTE);
    return;
  }
  if (!(timeSec > 0)) return;
  const isTrusted = !stream || INDEXED_FORMATS.test(context.iformat?.name ?? '');
  // In a container that cannot seek, reading goes on from the current position, and earlier output is dropped.
  for (let backSec = 0; ; backSec = 2 * backSec || FIRST_BACK_STEP_SEC) {
    const target = BigInt(Math.round((Math.max(0, timeSec - backSec) + startSec) * 1e6));
    const isFound = context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD) >= 0;
    if (isTrusted) return;
    if (isFound && hasKeyFrameBefore(container, stream, timeSec)) {
      context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD);
      return;
    }
    if (backSec < timeSec) continue;
    // In a stream without a header, a seek to the first timestamp ends after the first packet.
    const [to, how] = isStream(container) ? [0n, AVSEEK_FLAG_BYTE] : [target, AVSEEK_FLAG_BACKWARD];
    context.seekFrameSync(-1, to, how);
    return;
  }
}

/**
 * True if every byte of the file was read. Some demuxers (mpjpeg, RoQ with trailing bytes) report an error there instead of
 * the end.
 */
export function isAtEnd({ context }: Container): boolean {
  using file = new IOContext();
  if (context.url === null || file.open2Sync(context.url, AVIO_FLAG_READ) < 0) return false;
  return context.pbBytes >= file.sizeSync();
}

/** True for a format whose demuxer outputs each picture only when the next one arrives, however late. */
export function isStream({ context }: Container): boolean {
  return HEADERLESS_STREAMS.test(context.iformat?.name ?? '');
}

/** Reads packets. @returns true if a key frame of the track is at or before a time */
function hasKeyFrameBefore({ context, startSec }: Container, stream: Stream, timeSec: number): boolean {
  using packet = new Packet();
  packet.alloc();
  while (context.readFrameSync(packet) >= 0) {
    const { pts, dts, streamIndex, flags } = packet;
    packet.unref();
    const stamp = dts === AV_NOPTS_VALUE ? pts : dts;
    if (stamp === AV_NOPTS_VALUE) continue;
    const { timeBase } = context.streams[streamIndex]!;
    if (Number(stamp) * ratio(timeBase) - startSec > timeSec) return false;
    if (streamIndex === stream.index && (flags & AV_PKT_FLAG_KEY) !== 0) return true;
  }
  return false;
}
