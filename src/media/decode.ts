import { AVERROR_EOF } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import type { TimeRange } from '../domain/time-range.ts';
import { Clock } from './clock.ts';
import { type Container, openContainer } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import { isAtEnd, PRE_ROLL_SEC, readOnly, seek } from './position.ts';
import { earlierSound } from './sound-reader.ts';
import { earlierSubtitles } from './subtitle-reader.ts';
import { TrackSet, wantedTracks } from './track-set.ts';

/**
 * Decodes a file and yields the requested outputs in file order; each kind is in order of time. Pictures are upright;
 * sound is mono at the track's own rate. Times count from the start of the file. Synchronous: for media workers only.
 * @throws {ReelvecError} `source_not_media` or `video_file_broken`; see `openContainer`
 */
export function* decode(request: DecodeRequest): Generator<MediaEvent> {
  using container = openContainer(request.path);
  const range = request.range ?? { startSec: 0, endSec: Number.POSITIVE_INFINITY };
  const clock = request.clock && new Clock(request.clock, container);
  yield* readEarlier(container, request, range, clock);
  yield* readRange(container, request, range, clock);
}

/** Reads subtitles from before the range that last into it, and context sound before it, each in a pass of its own. */
function* readEarlier(
  container: Container,
  request: DecodeRequest,
  range: TimeRange,
  clock: Clock | undefined,
): Generator<MediaEvent> {
  const { subtitles, sound } = wantedTracks(container, request);
  const { listen = range } = request;
  if (subtitles && range.startSec > 0) yield* earlierSubtitles(container, subtitles, range, clock);
  if (sound && listen.startSec < range.startSec) yield* earlierSound(container, range, listen.startSec, clock);
}

/** Reads all requested tracks of the range, and context sound after it, in one pass. */
function* readRange(
  container: Container,
  request: DecodeRequest,
  range: TimeRange,
  clock: Clock | undefined,
): Generator<MediaEvent> {
  using tracks = new TrackSet(container, request, range);
  readOnly(container, tracks.streams);
  seek(container, range.startSec - PRE_ROLL_SEC, clock, tracks.anchor);
  using packet = new Packet();
  packet.alloc();
  while (!tracks.isDone) {
    const result = container.context.readFrameSync(packet);
    if (result < 0) {
      if (result !== AVERROR_EOF && !isAtEnd(container)) yield unreadableFrom(tracks.timeSec);
      break;
    }
    clock?.apply(packet);
    yield* tracks.read(packet);
    packet.unref();
  }
  yield* tracks.end();
}

/** Damage for a file that cannot be read any further. */
function unreadableFrom(timeSec: number): MediaEvent {
  return { type: 'damage', isLost: true, startSec: timeSec, endSec: timeSec };
}
