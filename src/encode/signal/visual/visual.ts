import type { VisualClip, VisualEncoder } from '../../encoder.ts';
import { describeEach } from '../each.ts';
import { evenOut, standardise } from '../standard.ts';
import { toUnitVector } from '../vector.ts';
import standard from '../visual-model.json' with { type: 'json' };
import { describePictures } from './look.ts';
import { SIDE } from './planes.ts';

/** How a clip looks and moves. */
export const visualEncoder: VisualEncoder = {
  space: 'signal/visual',
  // Stretched, so that nothing of the picture is lost; four a second see gestures and gaits as change.
  pictures: { width: SIDE, height: SIDE, fit: 'stretch', perSecond: 4 },
  encode: (clips, options) => describeEach(clips, toVector, options?.signal),
  async close() {},
};

function toVector(clip: VisualClip): Float32Array {
  const topics = describePictures(clip.pictures, clip.isStill);
  const features = standardise(
    topics.flatMap((topic) => Array.from(topic)),
    standard,
  );
  return toUnitVector(
    evenOut(
      features,
      topics.map((topic) => topic.length),
    ),
  );
}
