import type { Picture } from '../../../media/frames.ts';
import { Color } from './color.ts';
import { Edges } from './edges.ts';
import { Layout } from './layout.ts';
import { Motion } from './motion.ts';
import { emptyPlanes, readPicture } from './planes.ts';
import { Texture } from './texture.ts';

/**
 * Visual features of a clip, by topic. The number of features is independent of the clip.
 *
 * The loops over pixels are functions of arrays outside the topic classes: topics live as long as the clip, and V8
 * discards the code compiled for a class when its last instance is gone.
 *
 * @param isStill true for a single picture without a film; features of motion are then NaN
 */
export function visualFeatures(pictures: readonly Picture[], isStill = false): Float64Array[] {
  const color = new Color();
  const layout = new Layout();
  const edges = new Edges();
  const texture = new Texture();
  const motion = new Motion();
  const planes = emptyPlanes();
  for (const picture of pictures) {
    readPicture(picture, planes);
    for (const topic of [color, layout, edges, texture, motion]) topic.add(planes);
  }
  // Levels form a topic of their own, because the amount of motion would dominate its pattern.
  const unlessStill = (value: number) => (isStill ? Number.NaN : value);
  const levels = [...edges.levels(), ...texture.levels(), ...motion.levels().map(unlessStill)];
  const moves = motion.features().map(unlessStill);
  return [color.features(), layout.features(), edges.features(), texture.features(), moves, Float64Array.from(levels)];
}
