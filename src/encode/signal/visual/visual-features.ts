import type { Picture } from '../../../media/frames.ts';
import { Color } from './color.ts';
import { Edges } from './edges.ts';
import { Layout } from './layout.ts';
import { Motion } from './motion.ts';
import { emptyPlanes, readPicture } from './planes.ts';
import { Texture } from './texture.ts';

/**
 * What a clip looks like and how it moves, by topic; how many numbers there are never depends on the clip. Topics live as
 * long as the clip. What V8 has compiled for objects is dropped when none of their kind is left, so their loops over pixels
 * are functions of arrays, beside the classes.
 *
 * @param isStill a picture that is not from a film: what only a film shows is NaN
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
  // Levels are apart from patterns, or how much moves at all would drown where it moves.
  const unlessStill = (value: number) => (isStill ? Number.NaN : value);
  const levels = [...edges.levels(), ...texture.levels(), ...motion.levels().map(unlessStill)];
  const moves = motion.features().map(unlessStill);
  return [color.features(), layout.features(), edges.features(), texture.features(), moves, Float64Array.from(levels)];
}
