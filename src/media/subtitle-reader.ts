import { Packet, type Stream } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import type { Clock } from './clock.ts';
import { type Container, codecName, ratio } from './container.ts';
import type { MediaEvent, RawSubtitle } from './events.ts';
import { readOnly, seek } from './position.ts';
import { textCodec } from './subtitle-track.ts';

/** Maximum time before the range at which an overlapping subtitle starts, in seconds. */
const SUBTITLE_PRE_ROLL_SEC = 30;
/** Maximum delay of a subtitle in the file behind sound and pictures of the same time, in seconds. */
const MAX_SUBTITLE_DELAY_SEC = 2;
/** Duration of a subtitle without an end time, in seconds. */
const DEFAULT_SUBTITLE_SEC = 4;

/** Reads the subtitles that start before a range and overlap it. A cheap pass that skips all other tracks. */
export function* earlierSubtitles(
  container: Container,
  stream: Stream,
  range: TimeRange,
  clock: Clock | undefined,
): Generator<MediaEvent> {
  const guide = guideOf(container);
  readOnly(container, [stream, guide]);
  seek(container, range.startSec - SUBTITLE_PRE_ROLL_SEC, clock);
  using packet = new Packet();
  packet.alloc();
  while (container.context.readFrameSync(packet) >= 0) {
    clock?.apply(packet);
    if (packet.streamIndex === stream.index) {
      const subtitle = readSubtitle(container, stream, packet);
      if (subtitle.startSec >= range.startSec) break;
      if (subtitle.endSec > range.startSec) yield { type: 'subtitle', subtitle };
    } else if (guide && isBehind(container, guide, packet, range.startSec)) {
      break;
    }
    packet.unref();
  }
}

/** Track that shows the read position between subtitles; without it, reading would go on to the end of the file. */
export function guideOf({ video, audio }: Container): Stream | undefined {
  return video ?? audio;
}

/** True if a packet of the guide track shows that no subtitle from before a time can follow. */
export function isBehind({ startSec }: Container, guide: Stream, packet: Packet, timeSec: number): boolean {
  return Number(packet.dts) * ratio(guide.timeBase) - startSec >= timeSec + MAX_SUBTITLE_DELAY_SEC;
}

/** Copies a subtitle packet, with its times in seconds from the start of the file. */
export function readSubtitle(container: Container, stream: Stream, packet: Packet): RawSubtitle {
  const timeBase = ratio(stream.timeBase);
  const startSec = Number(packet.pts) * timeBase - container.startSec;
  const durationSec = Number(packet.duration) * timeBase || DEFAULT_SUBTITLE_SEC;
  return {
    codec: textCodec(stream) ?? codecName(stream),
    startSec,
    endSec: startSec + durationSec,
    originSec: container.startSec,
    data: Uint8Array.from(packet.data ?? []),
  };
}
