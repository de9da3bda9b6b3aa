import type { BundleInfo } from '../encode/encoder.ts';
import { bundlesThat, optionsIn } from '../encode/spaces.ts';
import { ReelvecError } from '../errors.ts';

/**
 * Spaces of a bundle in which a query can be encoded. Text alone: all spaces with a text encoder, that of pictures
 * first. A query with a picture: the space of pictures.
 * @param query.space name of the only space wanted, or of an option whose vectors are in it
 * @throws {ReelvecError} if there is none
 */
export function querySpaces(
  bundle: BundleInfo,
  query: { inputType: string; hasText: boolean; hasPicture: boolean; hasSound?: boolean; space?: string },
): string[] {
  const { inputType, hasPicture, hasSound = false, space } = query;
  const found = hasSound
    ? soundSpace(bundle, query)
    : hasPicture
      ? pictureSpace(bundle, query)
      : textSpaces(bundle, inputType);
  if (space === undefined) return found;
  const wanted = found.filter((name) => name === space || optionsIn(bundle, name).some((option) => option === space));
  if (wanted.length > 0) return wanted;
  throw new ReelvecError(
    'parameter_invalid',
    `space: with the bundle "${bundle.name}", ${inputType} can be looked for in ${found.map((name) => `"${name}"`).join(' and ')}: got "${space.slice(0, 100)}".`,
    { details: { field: 'space', value: space.slice(0, 100), allowed: found } },
  );
}

function textSpaces(bundle: BundleInfo, inputType: string): string[] {
  const { visual } = bundle.spaces;
  // The space of pictures first; the sort keeps the bundle's order of the others.
  const spaces = bundle.textQuerySpaces.toSorted((a, b) => Number(b === visual) - Number(a === visual));
  if (spaces.length > 0) return spaces;
  throw cannot(
    bundle,
    inputType,
    'has no encoder of text queries',
    ({ textQuerySpaces }) => textQuerySpaces.length > 0,
  );
}

function pictureSpace(bundle: BundleInfo, { inputType, hasText }: { inputType: string; hasText: boolean }): string[] {
  const { visual } = bundle.spaces;
  if (visual === undefined) {
    throw cannot(bundle, inputType, 'has no encoder of pictures', ({ spaces }) => spaces.visual !== undefined);
  }
  if (hasText && !composes(bundle)) {
    const why = 'cannot bring text and pictures together, because it has no text queries among its visual vectors';
    throw cannot(bundle, inputType, why, composes);
  }
  return [visual];
}

/** The space of sound, if the other parts of the query lie in it too. */
function soundSpace(
  bundle: BundleInfo,
  { inputType, hasText, hasPicture }: { inputType: string; hasText: boolean; hasPicture: boolean },
): string[] {
  const joins = ({ spaces, textQuerySpaces }: BundleInfo) =>
    spaces.audio !== undefined &&
    (!hasPicture || spaces.audio === spaces.visual) &&
    (!hasText || textQuerySpaces.includes(spaces.audio));
  if (joins(bundle)) return [bundle.spaces.audio!];
  const others = [...(hasText ? ['text'] : []), ...(hasPicture ? ['pictures'] : [])];
  const why =
    others.length === 0
      ? 'has no encoder of sound'
      : `cannot bring sound and ${others.join(' and ')} together, because their vectors lie in different spaces`;
  throw cannot(bundle, inputType, why, joins);
}

/** True if the bundle has a text encoder for the space of pictures. */
function composes({ spaces, textQuerySpaces }: BundleInfo): boolean {
  return spaces.visual !== undefined && textQuerySpaces.includes(spaces.visual);
}

function cannot(
  bundle: BundleInfo,
  inputType: string,
  why: string,
  other: (bundle: BundleInfo) => boolean,
): ReelvecError {
  return new ReelvecError(
    'parameter_invalid',
    `input_type: the bundle "${bundle.name}" ${why}, so it cannot serve "${inputType}". ${bundlesThat(other)}`,
    { details: { field: 'input_type', value: inputType } },
  );
}
