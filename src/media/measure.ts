import { AV_PKT_FLAG_KEY, AVDISCARD_ALL, AVDISCARD_DEFAULT, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import { ClockReader } from './clock.ts';
import { type Container, openContainer, ratio } from './container.ts';
import { isCutOff } from './cut-off.ts';
import { TrackExtent } from './extent.ts';
import type { MediaInfo } from './info.ts';

/** Formats without any word of their length: what FFmpeg says of them is a guess from the first bytes' bit rate. */
const FORMATS_WITHOUT_DURATION = new Set(['mp3', 'aac', 'h264', 'hevc', 'm4v', 'mpegvideo', 'dv']);
/** Formats whose files are joined byte by byte, so that timestamps may start over in the middle. */
const CONCATENABLE_FORMATS = new Set(['mpegts', 'mpeg']);
/** Encoders pad: sound that ends this much later than its header says is no news. Seconds. */
const ENCODER_PADDING_SEC = 0.1;
/** A header is believed unless the packets end further away from what it says than this. Seconds. */
const DURATION_TOLERANCE_SEC = 0.5;
/** How far before the end that the header names reading starts, for a packet to be there. Seconds. */
const TAIL_SEC = 5;
/** The end of a file tells its length when a track has so many packets there. */
const MIN_TAIL_PACKETS = 3;
/** How often progress is told, in packets: some fifty megabytes. */
const PROGRESS_INTERVAL_PACKETS = 20_000;

type OnProgress = (doneSec: number) => void;

/**
 * Duration of the media: of the longest of the tracks that are used, from the first timestamp to the end of the last
 * packet. The header's duration is checked against the packets, which are read and not decoded: those at the end, and
 * where they contradict the header, all of them. A header that says more than there is is believed only of a file that
 * was cut off; what is missing is reported where it is looked for.
 * @param path of the file that the container was opened from
 * @param onProgress called from time to time with the seconds that were read: a large file on a slow disk takes long
 */
export function measure(
  container: Container,
  path: string,
  onProgress: OnProgress,
): Pick<MediaInfo, 'durationSec' | 'clock'> {
  const { context, startSec } = container;
  const format = context.iformat?.name ?? '';
  const declaredSec = declaredDuration(container);
  // MP4's index is complete or it is not: there is nothing behind what it lists.
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
  // Opened again: after a failed search for the end, not every container finds its beginning.
  using again = openContainer(path);
  using whole = readExtent(again, 0, onProgress);
  return { durationSec: agreedDuration(declaredSec, startSec, whole) ?? durationByPackets(declaredSec, again, whole) };
}

/** The duration of a file whose packets do not reach to where the header says, or go on far behind it. */
function durationByPackets(declaredSec: number, container: Container, { endSec, last }: Extent): number {
  return endSec < declaredSec && isCutOff(container, last) ? declaredSec : endSec;
}

/** The header's duration in seconds, of the tracks that are used where it tells those apart; 0 if it says nothing. */
function declaredDuration({ context, video, audio, startSec }: Container): number {
  const ofFileSec = Math.max(0, Number(context.duration) / 1e6);
  const tracks = [video, audio].filter((stream) => stream !== undefined);
  const ends = tracks.map(({ startTime, duration, timeBase }) => Number(startTime + duration) * ratio(timeBase));
  // AV_NOPTS_VALUE is far below zero
  const isTold =
    ends.length > 0 && tracks.every(({ startTime, duration }) => startTime > -(1n << 60n) && duration > 0n);
  const isLonger = ofFileSec > 0 && isTold && ofFileSec > Math.max(...ends) - startSec + DURATION_TOLERANCE_SEC;
  return isLonger ? toMicro(Math.max(...ends) - startSec) : ofFileSec;
}

/**
 * The duration where header and packets agree. Some headers hold the time of the end, counted from timestamp 0: then
 * the packets say it. The last picture may be known to the header alone.
 * @returns undefined where they do not agree
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

/** How far the packets of a file reach. */
interface Extent extends Disposable {
  /** Seconds from the start of the file. */
  readonly endSec: number;
  /** Longest time from one picture to the next. Seconds. */
  readonly longestStepSec: number;
  /** Enough packets were read, and none has a doubtful timestamp. */
  readonly isCertain: boolean;
  /** The last packet of each track. */
  readonly last: readonly { readonly stream: Stream; readonly packet: Packet }[];
}

/** @param fromSec where to start reading, in seconds from the start of the file */
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
