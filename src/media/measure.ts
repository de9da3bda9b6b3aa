import { AV_PKT_FLAG_KEY, AVDISCARD_ALL, AVDISCARD_DEFAULT, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import { ClockReader } from './clock.ts';
import { type Container, openContainer, ratio } from './container.ts';
import { isCutOff } from './cut-off.ts';
import { TrackExtent } from './extent.ts';
import type { MediaInfo } from './info.ts';

/** Formats that do not declare a duration: FFmpeg estimates it from the bit rate at the start. */
const FORMATS_WITHOUT_DURATION = new Set(['mp3', 'aac', 'h264', 'hevc', 'm4v', 'mpegvideo', 'dv']);
/** Formats whose files can be concatenated byte by byte, so that timestamps may restart. */
const CONCATENABLE_FORMATS = new Set(['mpegts', 'mpeg']);
/** Maximum difference between header and packets that is due to encoder padding, in seconds. */
const ENCODER_PADDING_SEC = 0.1;
/** Maximum difference between header and packets for the header's duration to be used, in seconds. */
const DURATION_TOLERANCE_SEC = 0.5;
/** Time before the declared end from which packets are read, in seconds. */
const TAIL_SEC = 5;
/** Minimum packets of one track at the end of the file for the end to be certain. */
const MIN_TAIL_PACKETS = 3;
/** Packets between two progress reports: about 50 MB. */
const PROGRESS_INTERVAL_PACKETS = 20_000;

type OnProgress = (doneSec: number) => void;

/**
 * Measures the duration of the longest decoded track, from the first timestamp to the end of the last packet. Checks the
 * header's duration against the packets at the end, without decoding, and against all packets if those contradict it. A
 * header that declares more than the packets contain counts only for a truncated file; decoding reports what is missing.
 * @param path of the container's file
 * @param onProgress receives the seconds that were read, from time to time: a large file on a slow disk takes long
 */
export function measure(
  container: Container,
  path: string,
  onProgress: OnProgress,
): Pick<MediaInfo, 'durationSec' | 'clock'> {
  const { context, startSec } = container;
  const format = context.iformat?.name ?? '';
  const declaredSec = declaredDuration(container);
  // Nothing can follow the packets that an MP4 index lists.
  const isIndexed = format.includes('mp4');
  if (isIndexed && declaredSec > 0 && startSec === 0) return { durationSec: declaredSec };
  if (CONCATENABLE_FORMATS.has(format)) {
    const { map, endSec } = readClock(container, onProgress);
    if (map) return { durationSec: toMicro(endSec), clock: map };
  }
  if (declaredSec === 0 || FORMATS_WITHOUT_DURATION.has(format)) {
    using extent = readExtent(container, 0, onProgress);
    const { endSec } = extent;
    return { durationSec: Math.abs(endSec - declaredSec) > ENCODER_PADDING_SEC ? endSec : declaredSec };
  }
  using tail = readExtent(container, declaredSec - TAIL_SEC, onProgress);
  const durationSec = agreedDuration(declaredSec, startSec, tail);
  if (durationSec !== undefined && (tail.isCertain || isIndexed)) return { durationSec };
  if (isIndexed) return { durationSec: Math.max(declaredSec, tail.endSec) };
  // Reopened: after a failed seek to the end, some demuxers cannot seek to the start.
  using again = openContainer(path);
  using whole = readExtent(again, 0, onProgress);
  return { durationSec: agreedDuration(declaredSec, startSec, whole) ?? durationByPackets(declaredSec, again, whole) };
}

/** Duration of a file whose packets end well before or after the declared end, in seconds. */
function durationByPackets(declaredSec: number, container: Container, { endSec, last }: Extent): number {
  return endSec < declaredSec && isCutOff(container, last) ? declaredSec : endSec;
}

/** Declared duration in seconds: of the decoded tracks if they declare their own, else of the file; 0 if undeclared. */
function declaredDuration({ context, video, audio, startSec }: Container): number {
  const ofFileSec = Math.max(0, Number(context.duration) / 1e6);
  const tracks = [video, audio].filter((stream) => stream !== undefined);
  const ends = tracks.map(({ startTime, duration, timeBase }) => Number(startTime + duration) * ratio(timeBase));
  // AV_NOPTS_VALUE is far below zero.
  const isTold =
    ends.length > 0 && tracks.every(({ startTime, duration }) => startTime > -(1n << 60n) && duration > 0n);
  const isLonger = ofFileSec > 0 && isTold && ofFileSec > Math.max(...ends) - startSec + DURATION_TOLERANCE_SEC;
  return isLonger ? toMicro(Math.max(...ends) - startSec) : ofFileSec;
}

/**
 * Duration on which header and packets agree, in seconds. Some headers declare the end time from timestamp 0 instead, which
 * the packets reveal. The duration of the last picture may be in the header alone.
 * @returns undefined if they disagree
 */
function agreedDuration(declaredSec: number, startSec: number, { endSec, longestStepSec }: Extent): number | undefined {
  const isEnd = startSec > 0 && Math.abs(declaredSec - startSec - endSec) < Math.abs(declaredSec - endSec);
  const headerSec = isEnd ? toMicro(declaredSec - startSec) : declaredSec;
  if (
    endSec > headerSec + DURATION_TOLERANCE_SEC ||
    endSec < headerSec - Math.max(DURATION_TOLERANCE_SEC, longestStepSec)
  )
    return undefined;
  return isEnd ? Math.max(headerSec, endSec) : headerSec;
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

/** Extent of the packets of a file, in time. */
interface Extent extends Disposable {
  /** End of the last packet, in seconds from the start of the file. */
  readonly endSec: number;
  /** Longest time between two pictures, in seconds. */
  readonly longestStepSec: number;
  /** True if enough packets were read and no timestamp is doubtful. */
  readonly isCertain: boolean;
  /** The last packet of each track. */
  readonly last: readonly { readonly stream: Stream; readonly packet: Packet }[];
}

/** @param fromSec start of reading, in seconds from the start of the file */
function readExtent(container: Container, fromSec: number, onProgress: OnProgress): Extent {
  if (fromSec > 0) seekTo(container, fromSec);
  const tracks = new Map<Stream, { extent: TrackExtent; packet: Packet }>();
  for (const { packet, stream } of packetsOf(container, onProgress)) {
    const track = tracks.get(stream) ?? {
      extent: new TrackExtent(stream, container.startSec, fromSec),
      packet: emptyPacket(),
    };
    tracks.set(stream, track);
    track.extent.read(packet);
    track.packet.unref();
    track.packet.ref(packet);
  }
  const extents = [...tracks.values()].map(({ extent }) => extent);
  const isCertain =
    extents.some(({ count }) => count >= MIN_TAIL_PACKETS) && !extents.some(({ isDoubtful }) => isDoubtful);
  const pictures = container.video && tracks.get(container.video)?.extent;
  return {
    endSec: toMicro(Math.max(0, ...extents.map((extent) => extent.end()))),
    longestStepSec: pictures?.longestStepSec ?? 0,
    isCertain,
    last: [...tracks].map(([stream, { packet }]) => ({ stream, packet })),
    [Symbol.dispose]: () => {
      for (const { packet } of tracks.values()) packet.free();
    },
  };
}

function emptyPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

/** Packets of the decoded tracks from the current position. Each is valid until the next one. */
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
    if (stream && count % PROGRESS_INTERVAL_PACKETS === 0)
      onProgress(Number(packet.pts) * ratio(stream.timeBase) - startSec);
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
