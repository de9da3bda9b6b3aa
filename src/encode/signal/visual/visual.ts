import type { VisualClip, VisualEncoder } from '../../encoder.ts';
import { encodeEach } from '../encode-each.ts';
import { balanceTopics, standardise } from '../standard.ts';
import { toUnitVector } from '../unit-vector.ts';
import { SIDE } from './planes.ts';
import { visualFeatures } from './visual-features.ts';
import standard from './visual-model.json' with { type: 'json' };

/** Encodes appearance and motion of a clip. */
export const visualEncoder = {
  space: 'signal/visual',
  // Stretched, so that no part of the picture is lost. Four pictures per second resolve gestures and gaits.
  pictures: { width: SIDE, height: SIDE, fit: 'stretch', perSecond: 4 },
  encode: (clips: readonly VisualClip[], options?: { signal?: AbortSignal }) =>
    encodeEach(clips, toVector, options?.signal),
  async close() {},
} satisfies VisualEncoder;

function toVector(clip: VisualClip): Float32Array {
  const topics = visualFeatures(clip.pictures, clip.isStill);
  const features = standardise(
    topics.flatMap((topic) => Array.from(topic)),
    standard,
  );
  return toUnitVector(
    balanceTopics(
      features,
      topics.map((topic) => topic.length),
    ),
  );
}
