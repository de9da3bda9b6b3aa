import { ReelvecError } from '../errors.ts';
import { decode } from '../media/decode.ts';
import { probe } from '../media/probe.ts';
import { SHOT_PICTURE, type ShotBoundary, ShotDetector } from '../segment/shots.ts';
import type { Job, ShotList } from '../workers/protocol.ts';
import { ShotTracer } from './shot-tracer.ts';
import { Thumbnails } from './thumbnails.ts';

/** Pictures between two progress reports. */
const PROGRESS_INTERVAL_PICTURES = 250;

type Shot = ShotList['shots'][number];

/**
 * Detects the shots of a whole file.
 * @param onProgress receives the seconds that are done
 * @throws {ReelvecError} `media_has_no_track` for a file without pictures
 */
export function listShots(
  { path, withTrace = false }: Extract<Job, { kind: 'shots' }>,
  onProgress: (doneSec: number) => void,
): ShotList {
  const media = probe(path, () => onProgress(0));
  if (!media.video) throw new ReelvecError('media_has_no_track', 'The media has no picture track, so it has no shots.');
  const tracer = withTrace ? new ShotTracer() : undefined;
  using thumbnails = withTrace ? new Thumbnails(media.video) : undefined;
  const detector = new ShotDetector({ observer: tracer });
  const shots: Shot[] = [];
  let open: Omit<Shot, 'endSec'> = { startFrame: 0, startSec: 0, transition: 'start', transitionFrames: [0, 0] };
  const close = (endSec: number) => {
    shots.push({ ...open, endSec });
    thumbnails?.close({ startSec: open.startSec, endSec });
  };
  const take = (boundaries: readonly ShotBoundary[]) => {
    for (const { frame, timeSec, transition, startFrame, endFrame } of boundaries) {
      close(timeSec);
      open = { startFrame: frame, startSec: timeSec, transition, transitionFrames: [startFrame, endFrame] };
    }
  };

  let frameCount = 0;
  for (const event of decode({
    path,
    everyPicture: SHOT_PICTURE,
    ...(thumbnails && { sampled: thumbnails.sampled }),
  })) {
    if (event.type !== 'picture') continue;
    if (event.view === 'sampled') {
      thumbnails?.push(event.picture);
      continue;
    }
    tracer?.picture(event.picture);
    take(detector.push(event.picture));
    if (++frameCount % PROGRESS_INTERVAL_PICTURES === 0) onProgress(event.picture.timeSec);
  }
  take(detector.end());
  close(media.durationSec);
  return {
    frameRate: media.video.frameRate,
    frameCount,
    durationSec: media.durationSec,
    shots,
    ...(tracer && { trace: tracer.end(thumbnails?.files ?? []) }),
  };
}
