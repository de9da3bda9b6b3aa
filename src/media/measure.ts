import {
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_KEY,
  AVDISCARD_ALL,
  AVDISCARD_DEFAULT,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import { ClockReader } from './clock.ts';
import { type Container, ratio } from './container.ts';
import type { MediaInfo } from './info.ts';

/** Formats without any word of their length: what FFmpeg says of them is a guess from the first bytes' bit rate. */
const GUESSED = new Set(['mp3', 'aac', 'h264', 'hevc', 'm4v', 'mpegvideo', 'dv']);
/** Formats whose files are joined byte by byte, so that timestamps may start over in the middle. */
const JOINED = new Set(['mpegts', 'mpeg']);
/** Encoders pad: sound that ends this much later than its header says is no news. Seconds. */
const PADDING_SEC = 0.1;
/** A header is believed unless the content goes on for longer than this behind it. Seconds. */
const TOLERANCE_SEC = 0.5;
/** How far before the end that the header names reading starts, for a packet to be there. Seconds. */
const TAIL_SEC = 5;
/** How often progress is told, in packets: some fifty megabytes. */
const PROGRESS_PACKETS = 20_000;

type OnProgress = (doneSec: number) => void;

/**
 * How long the media lasts. The header's word is checked against the packets, which are read and not decoded: all of
 * them where there is no word, or where it cannot be right because timestamps start over; else those at the end, for
 * content that goes on behind it. A header that says too much is believed: then the file is cut off, and what is
 * missing is reported where it is looked for.
 * @param onProgress called from time to time with the seconds that were read: a large file on a slow disk takes long
 */
export function measure(container: Container, onProgress: OnProgress): Pick<MediaInfo, 'durationSec' | 'clock'> {
  const declaredSec = Math.max(0, Number(container.context.duration) / 1e6);
  const format = container.context.iformat?.name ?? '';
  // MP4's index is complete or it is not: there is nothing behind what it lists.
  if (declaredSec > 0 && format.includes('mp4')) return { durationSec: declaredSec };
  if (JOINED.has(format)) {
    const { map, endSec } = readClock(container, onProgress);
    if (map) return { durationSec: toMicro(endSec), clock: map };
  }
  if (declaredSec === 0 || GUESSED.has(format)) {
    const measuredSec = lastSec(container, 0, onProgress);
    return { durationSec: Math.abs(measuredSec - declaredSec) > PADDING_SEC ? measuredSec : declaredSec };
  }
  const measuredSec = lastSec(container, declaredSec - TAIL_SEC, onProgress);
  return { durationSec: measuredSec > declaredSec + TOLERANCE_SEC ? measuredSec : declaredSec };
}

function readClock(container: Container, onProgress: OnProgress): ClockReader {
  const { video } = container;
  const clock = new ClockReader(container);
  for (const { packet, stream } of packetsOf(container, onProgress)) {
    const isEntry = video ? stream.index === video.index && (packet.flags & AV_PKT_FLAG_KEY) !== 0 : true;
    clock.read(packet, isEntry);
  }
  seekTo(container, 0);
  return clock;
}

/** When the last packet from a moment on ends, in seconds from the start of the file; 0 when there is none. */
function lastSec(container: Container, fromSec: number, onProgress: OnProgress): number {
  if (fromSec > 0) seekTo(container, fromSec);
  const ends = new Map<Stream, number>();
  for (const { packet, stream } of packetsOf(container, onProgress)) {
    const timeBase = ratio(stream.timeBase);
    const before = ends.get(stream) ?? 0;
    // Raw streams have no timestamps: there one packet follows the other.
    const at = packet.pts === AV_NOPTS_VALUE ? before : Number(packet.pts) * timeBase - container.startSec;
    ends.set(stream, Math.max(before, at + Number(packet.duration) * timeBase));
  }
  return toMicro(Math.max(0, ...ends.values()));
}

/** The packets of the tracks that are used, from where the container stands. Each holds until the next one comes. */
function* packetsOf(
  { context, video, audio, startSec }: Container,
  onProgress: OnProgress,
): Generator<{ packet: Packet; stream: Stream }> {
  const tracks = new Map([video, audio].flatMap((stream) => (stream ? [[stream.index, stream]] : [])));
  for (const stream of context.streams) stream.discard = tracks.has(stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  using packet = new Packet();
  packet.alloc();
  for (let count = 1; context.readFrameSync(packet) >= 0; count++) {
    const stream = tracks.get(packet.streamIndex);
    if (stream && count % PROGRESS_PACKETS === 0) onProgress(Number(packet.pts) * ratio(stream.timeBase) - startSec);
    if (stream) yield { packet, stream };
    packet.unref();
  }
}

function seekTo({ context, startSec }: Container, timeSec: number): void {
  context.seekFrameSync(-1, BigInt(Math.round((timeSec + startSec) * 1e6)), AVSEEK_FLAG_BACKWARD);
}

function toMicro(sec: number): number {
  return Math.round(sec * 1e6) / 1e6;
}
