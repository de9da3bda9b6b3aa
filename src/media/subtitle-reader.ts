import { Packet, type Stream } from 'node-av/lib';
import type { Clock } from './clock.ts';
import { type Container, codecName, ratio } from './container.ts';
import type { MediaEvent, RawSubtitle } from './events.ts';
import type { TimeRange } from './frames.ts';
import { readOnly, seek } from './position.ts';
import { textCodec } from './subtitle-track.ts';

/** How long before the range a subtitle that reaches into it may begin. */
const SUBTITLE_PRE_ROLL_SEC = 30;
/** How much later than sound and picture of the same moment a subtitle may stand in the file, in seconds. */
const MAX_SUBTITLE_DELAY_SEC = 2;
/** How long a subtitle without an end is shown, in seconds. */
const DEFAULT_SUBTITLE_SEC = 4;

/** Subtitles that begin before the range and reach into it: a cheap pass that skips all other tracks. */
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

/** A track that tells how far reading has come while nobody speaks; else one would read on to the end of the file. */
export function guideOf({ video, audio }: Container): Stream | undefined {
  return video ?? audio;
}

/** Whether a packet of the guide says that no subtitle of before a time is to come. */
export function isBehind({ startSec }: Container, guide: Stream, packet: Packet, timeSec: number): boolean {
  return Number(packet.dts) * ratio(guide.timeBase) - startSec >= timeSec + MAX_SUBTITLE_DELAY_SEC;
}

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
