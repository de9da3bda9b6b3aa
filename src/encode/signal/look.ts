import type { Picture } from '../../media/frames.ts';
import { Color } from './color.ts';
import { Edges } from './edges.ts';
import { Layout } from './layout.ts';
import { Motion } from './motion.ts';
import { emptyPlanes, readPicture } from './planes.ts';
import { Texture } from './texture.ts';

/** What a clip looks like and how it moves, by topic; how many numbers there are never depends on the clip. */
export function describePictures(pictures: readonly Picture[]): Float64Array[] {
  const topics = [new Color(), new Layout(), new Edges(), new Texture(), new Motion()];
  const planes = emptyPlanes();
  for (const picture of pictures) {
    readPicture(picture, planes);
    for (const topic of topics) topic.add(planes);
  }
  return topics.map((topic) => topic.features());
}
