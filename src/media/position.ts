import {
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_KEY,
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVSEEK_FLAG_BACKWARD,
  AVSEEK_FLAG_BYTE,
} from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import type { Clock } from './clock.ts';
import { type Container, ratio } from './container.ts';

/**
 * Seconds before the range at which reading starts: an audio decoder needs a few packets to settle, and a container
 * may hold the sound of a moment well before its picture.
 */
export const PRE_ROLL_SEC = 2;

/** Has the demuxer skip every track but these. */
export function readOnly(container: Container, wanted: readonly (Stream | undefined)[]): void {
  for (const stream of container.context.streams) {
    stream.discard = wanted.some((other) => other?.index === stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

/** Containers whose index names every key frame, or that are read through until it does. */
const INDEXED_FORMATS = /mp4|matroska/;
/** MPEG-TS and -PS. They have no header, and a picture in them ends where the next one begins. */
const HEADERLESS_STREAMS = /^mpeg(ts)?$/;
/** How far further back a container is searched at first where no key frame was found. Seconds. */
const FIRST_BACK_STEP_SEC = 4;

/**
 * Goes to a key frame at or before a time. Some containers, MPEG-TS above all, are searched by timestamps alone, which
 * may lead to the middle of a group of pictures, or behind the picture that still stands: those are searched further back.
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
  // Where a container cannot seek, reading starts where it stands and what comes too early is dropped.
  for (let backSec = 0; ; backSec = 2 * backSec || FIRST_BACK_STEP_SEC) {
    const target = BigInt(Math.round((Math.max(0, timeSec - backSec) + startSec) * 1e6));
    const isFound = context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD) >= 0;
    if (isTrusted) return;
    if (isFound && hasKeyFrameBefore(container, stream, timeSec)) {
      context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD);
      return;
    }
    if (backSec < timeSec) continue;
    // A search for the first timestamp leads behind the first packet of a stream without a header.
    const [to, how] = isStream(container) ? [0n, AVSEEK_FLAG_BYTE] : [target, AVSEEK_FLAG_BACKWARD];
    context.seekFrameSync(-1, to, how);
    return;
  }
}

/** True of a container whose demuxer holds each picture back until the next one comes, however long that takes. */
export function isStream({ context }: Container): boolean {
  return HEADERLESS_STREAMS.test(context.iformat?.name ?? '');
}

/** Reads on. @returns true if a key frame of a track comes before a time, or at it */
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
