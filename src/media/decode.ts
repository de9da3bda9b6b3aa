import { AVERROR_EOF } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { Clock } from './clock.ts';
import { openContainer } from './container.ts';
import type { DecodeRequest, MediaEvent } from './events.ts';
import { PacketTimes } from './packet-times.ts';
import { frameSecOf, PictureReader } from './picture-reader.ts';
import { isAtEnd, isStream, PRE_ROLL_SEC, readOnly, seek } from './position.ts';
import { earlierSound, SoundReader } from './sound-reader.ts';
import { earlierSubtitles, guideOf, isBehind, readSubtitle } from './subtitle-reader.ts';

/** Maximum delay of a picture in the file behind the sound of the same time, in seconds. */
const MAX_PICTURE_DELAY_SEC = 60;

/**
 * Decodes a file in one pass and yields the requested outputs in file order; each kind is in order of time. Pictures are
 * upright; sound is mono at the track's own rate. Times count from the start of the file. Synchronous: for media workers
 * only.
 * @throws {ReelvecError} `source_not_media` or `video_file_broken`; see `openContainer`
 */
export function* decode(request: DecodeRequest): Generator<MediaEvent> {
  using container = openContainer(request.path);
  const range = request.range ?? { startSec: 0, endSec: Number.POSITIVE_INFINITY };
  const wantsPictures = request.everyPicture !== undefined || request.sampled !== undefined;
  const clock = request.clock && new Clock(request.clock, container);
  const subtitles = request.subtitles ? container.subtitles : undefined;
  if (subtitles && range.startSec > 0) yield* earlierSubtitles(container, subtitles, range, clock);

  const { listen = range } = request;
  const wantsSound = (request.sound || request.listen) && container.audio;
  if (wantsSound && listen.startSec < range.startSec) yield* earlierSound(container, range, listen.startSec, clock);

  using pictures = wantsPictures && container.video ? new PictureReader(container, request, range) : undefined;
  using sounds = wantsSound ? new SoundReader(container, range, listen.endSec) : undefined;
  const heard = sounds || (pictures && request.sampled) ? container.audio : undefined;
  const times = {
    pictures: pictures && new PacketTimes(container, pictures.stream, frameSecOf(pictures.stream)),
    sound: heard && new PacketTimes(container, heard),
  };
  const guide = subtitles && !pictures && !sounds ? guideOf(container) : undefined;
  readOnly(container, [pictures?.stream, heard, subtitles, guide]);
  seek(container, range.startSec - PRE_ROLL_SEC, clock, pictures?.stream ?? sounds?.stream);

  // Subtitles alone end with the range; with pictures or sound they end with those.
  let textDone = subtitles === undefined;
  // No packet follows a picture that stays to the end of the film: the times of the sound then bound the read.
  const maxPictureDelaySec = isStream(container) ? Number.POSITIVE_INFINITY : MAX_PICTURE_DELAY_SEC;
  let contentEndSec = 0;
  let picturesOver = pictures === undefined;
  const finished = () => (pictures || sounds ? picturesOver && (sounds?.done ?? true) : textDone);
  using packet = new Packet();
  packet.alloc();
  while (!finished()) {
    const result = container.context.readFrameSync(packet);
    if (result < 0) {
      if (result !== AVERROR_EOF && !isAtEnd(container)) {
        const timeSec = pictures?.timeSec ?? sounds?.timeSec ?? 0;
        yield { type: 'damage', isLost: true, startSec: timeSec, endSec: timeSec };
      }
      break;
    }
    clock?.apply(packet);
    const index = packet.streamIndex;
    if (index === pictures?.stream.index) {
      const span = times.pictures!.next(packet);
      contentEndSec = Math.max(contentEndSec, span.endSec);
      yield { type: 'content', of: 'pictures', ...span };
      yield* pictures.read(packet, span);
      picturesOver ||= pictures.done;
    } else if (index === heard?.index) {
      const span = times.sound!.next(packet);
      contentEndSec = Math.max(contentEndSec, span.endSec);
      yield { type: 'content', of: 'sound', ...span };
      if (sounds) yield* sounds.read(packet, span);
      picturesOver ||= times.sound!.hasPassed(range.endSec + maxPictureDelaySec);
    } else if (index === subtitles?.index) {
      const subtitle = readSubtitle(container, subtitles, packet);
      textDone = subtitle.startSec >= range.endSec;
      if (!textDone && subtitle.startSec >= range.startSec) yield { type: 'subtitle', subtitle };
    } else if (index === guide?.index) {
      textDone = isBehind(container, guide, packet, range.endSec);
    }
    packet.unref();
  }
  if (pictures) yield* pictures.end(contentEndSec);
  if (sounds) yield* sounds.end(contentEndSec);
}
