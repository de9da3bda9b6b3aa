import type { Picture, TimeRange } from '../media/frames.ts';
import { DynamicSegmenter } from '../segment/dynamic.ts';
import { fixedSegments } from '../segment/fixed.ts';
import { ShotDetector } from '../segment/shots.ts';
import type { EmbedJob } from '../workers/protocol.ts';

/** Cuts a chunk into segments while it is decoded. All three return the segments that have become certain, in order. */
export interface Segmenter {
  /** Whether it must see every picture of the film. */
  readonly needsPictures: boolean;
  start(): TimeRange[];
  picture(picture: Picture): TimeRange[];
  end(): TimeRange[];
}

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
