import { AV_NOPTS_VALUE, AVDISCARD_ALL, AVDISCARD_DEFAULT, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { type Container, ratio } from './container.ts';

/** Formats without any word of their length: what FFmpeg says of them is a guess from the first bytes' bit rate. */
const GUESSED = new Set(['mp3', 'aac', 'h264', 'hevc', 'm4v', 'mpegvideo', 'dv']);
/** Encoders pad: sound that ends this much later than its header says is no news. Seconds. */
const PADDING_SEC = 0.1;
/** A header is believed unless the content goes on for longer than this behind it. Seconds. */
const TOLERANCE_SEC = 0.5;
/** How far before the end that the header names reading starts, for a packet to be there. Seconds. */
const TAIL_SEC = 5;

/**
 * How long the media lasts, in seconds. The header's word is checked against the packets, which are read and not
 * decoded: all of them where there is no word, else those at the end, for content that goes on behind it. A header that
 * says too much is believed: then the file is cut off, and what is missing is reported where it is looked for.
 */
export function durationOf(container: Container): number {
  const declaredSec = Math.max(0, Number(container.context.duration) / 1e6);
  const format = container.context.iformat?.name ?? '';
  // MP4's index is complete or it is not: there is nothing behind what it lists.
  if (declaredSec > 0 && format.includes('mp4')) return declaredSec;
  if (declaredSec === 0 || GUESSED.has(format)) {
    const measuredSec = lastSec(container, 0);
    return Math.abs(measuredSec - declaredSec) > PADDING_SEC ? measuredSec : declaredSec;
  }
  const measuredSec = lastSec(container, declaredSec - TAIL_SEC);
  return measuredSec > declaredSec + TOLERANCE_SEC ? measuredSec : declaredSec;
}

/** When the last packet from a moment on ends, in seconds from the start of the file; 0 when there is none. */
function lastSec(container: Container, fromSec: number): number {
  const { context, video, audio, startSec } = container;
  const tracks = new Map([video, audio].flatMap((stream) => (stream ? [[stream.index, stream]] : [])));
  for (const stream of context.streams) stream.discard = tracks.has(stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  if (fromSec > 0) context.seekFrameSync(-1, BigInt(Math.round((fromSec + startSec) * 1e6)), AVSEEK_FLAG_BACKWARD);
  const ends = new Map<number, number>();
  using packet = new Packet();
  packet.alloc();
  while (context.readFrameSync(packet) >= 0) {
    const stream = tracks.get(packet.streamIndex);
    if (stream) {
      const timeBase = ratio(stream.timeBase);
      const before = ends.get(stream.index) ?? 0;
      // Raw streams have no timestamps: there one packet follows the other.
      const at = packet.pts === AV_NOPTS_VALUE ? before : Number(packet.pts) * timeBase - startSec;
      const end = at + Number(packet.duration) * timeBase;
      if (end > before) ends.set(stream.index, end);
    }
    packet.unref();
  }
  return Math.round(Math.max(0, ...ends.values()) * 1e6) / 1e6;
}
