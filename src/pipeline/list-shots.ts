import { ReelvecError } from '../errors.ts';
import { decode } from '../media/decode.ts';
import { probe } from '../media/probe.ts';
import { SHOT_PICTURE, ShotDetector } from '../segment/shots.ts';
import type { ShotList } from '../workers/protocol.ts';

/** How often progress is told, in pictures. */
const PROGRESS_PICTURES = 250;

/**
 * Finds the shots of a whole file.
 * @throws {ReelvecError} `media_has_no_track` for a file without pictures
 */
export function listShots(path: string, onProgress: (doneSec: number) => void): ShotList {
  const media = probe(path);
  if (!media.video) throw new ReelvecError('media_has_no_track', 'The media has no picture track, so it has no shots.');
  const detector = new ShotDetector();
  const boundaries = [];
  let frameCount = 0;
  for (const event of decode({ path, everyPicture: SHOT_PICTURE })) {
    if (event.type !== 'picture') continue;
    boundaries.push(...detector.push(event.picture));
    if (++frameCount % PROGRESS_PICTURES === 0) onProgress(event.picture.timeSec);
  }
  boundaries.push(...detector.end());
  const starts = [{ frame: 0, timeSec: 0, transition: 'start' as const }, ...boundaries];
  return {
    frameRate: media.video.frameRate,
    frameCount,
    durationSec: media.durationSec,
    shots: starts.map(({ frame, timeSec, transition }, i) => ({
      startFrame: frame,
      startSec: timeSec,
      endSec: starts[i + 1]?.timeSec ?? media.durationSec,
      transition,
    })),
  };
}
