import type { Picture } from '../../media/frames.ts';
import { Resizer } from '../../media/picture/resize.ts';
import { pictureDifference } from '../../segment/change.ts';
import { SHOT_PICTURE, Signature } from '../../segment/signature.ts';
import { meanVector } from '../vectors.ts';
import { embedGroups } from './embed-groups.ts';

/** The pictures of a clip without repetitions. */
export interface DistinctPictures {
  /** In order of time. */
  readonly pictures: readonly Picture[];
  /** For each picture of the clip, the position in `pictures` of the one that stands for it. */
  readonly positions: readonly number[];
}

/**
 * Leaves out the pictures of a clip that show the same as the last one before them that is kept. Slides, screens and fixed
 * cameras hardly change, and models are slow. Only the pictures of the clip count, so the chunks of a film do not matter.
 * @param sameUpTo largest `pictureDifference` of pictures that show the same, in steps of 8 bits; undefined keeps all
 */
export function distinctPictures(clip: readonly Picture[], sameUpTo: number | undefined): DistinctPictures {
  if (sameUpTo === undefined || clip.length < 2) return { pictures: clip, positions: clip.map((_, i) => i) };
  const signature = signatures(clip[0]!);
  const pictures: Picture[] = [];
  let last: Signature | undefined;
  const positions = clip.map((picture) => {
    const current = signature(picture);
    if (!last || pictureDifference(last, current) > sameUpTo) {
      pictures.push(picture);
      last = current;
    }
    return pictures.length - 1;
  });
  return { pictures, positions };
}

/**
 * Mean of the unit vectors of each clip's pictures. Only distinct pictures are embedded; each counts for as long as it is
 * shown.
 * @param embed returns one vector per picture, in order
 */
export async function meanOfDistinct(
  clips: readonly (readonly Picture[])[],
  sameUpTo: number | undefined,
  embed: (pictures: readonly Picture[]) => Promise<readonly Float32Array[]>,
): Promise<Float32Array[]> {
  const distinct = clips.map((clip) => distinctPictures(clip, sameUpTo));
  const vectors = await embedGroups(
    distinct.map(({ pictures }) => pictures),
    embed,
  );
  return distinct.map(({ positions }, i) => meanVector(positions.map((position) => vectors[i]![position]!)));
}

/** Computes the shot detector's signature of pictures of one size. */
function signatures({ width, height }: Picture): (picture: Picture) => Signature {
  const crop = { width: SHOT_PICTURE.width, height: SHOT_PICTURE.height, left: 0, top: 0 };
  const resizer = new Resizer({ from: { width, height }, to: SHOT_PICTURE, crop, filter: 'bilinear' });
  return ({ data, timeSec }) => {
    const small = { timeSec, width: crop.width, height: crop.height, data: resizer.apply(data, width * 3) };
    return new Signature(small, timeSec);
  };
}
