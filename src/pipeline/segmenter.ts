import type { TimeRange } from '../domain/time-range.ts';
import type { Picture } from '../media/frames.ts';
import { DynamicSegmenter } from '../segment/dynamic.ts';
import { fixedSegments } from '../segment/fixed.ts';
import { ShotDetector } from '../segment/shots.ts';
import type { EmbedJob } from '../workers/protocol.ts';

/**
 * Splits a chunk into segments while it is decoded. `start`, `picture` and `end` each return the segments that have become
 * final, in order.
 */
export interface Segmenter {
  /** True if the segmenter needs every picture of the chunk, and not samples. */
  readonly needsPictures: boolean;
  start(): TimeRange[];
  picture(picture: Picture): TimeRange[];
  end(): TimeRange[];
}

/** Creates the segmenter for a job: fixed lengths, or lengths that follow detected shots. */
export function openSegmenter({ range, segmentation }: Pick<EmbedJob, 'range' | 'segmentation'>): Segmenter {
  if (segmentation.strategy === 'fixed') {
    return {
      needsPictures: false,
      start: () => fixedSegments(range, segmentation.durationSec),
      picture: () => [],
      end: () => [],
    };
  }
  const shots = new ShotDetector();
  const segmenter = new DynamicSegmenter({ range, ...segmentation });
  return {
    needsPictures: true,
    start: () => [],
    picture(picture) {
      const closed = shots.push(picture).flatMap(({ timeSec }) => segmenter.push(timeSec));
      return [...closed, ...segmenter.advance(shots.settledSec)];
    },
    end: () => [...shots.end().flatMap(({ timeSec }) => segmenter.push(timeSec)), ...segmenter.end()],
  };
}
