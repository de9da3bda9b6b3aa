import { type ErrorDetails, ReelvecError } from '../errors.ts';
import { animationType, imageType, mediaType } from './media-magic.ts';
import { notMedia, pictureName } from './other-magic.ts';

/** Identifies the origin of the bytes in errors. */
export interface Subject {
  /** Subject of the error sentence: `The source at example.org`. */
  readonly subject: string;
  readonly details?: ErrorDetails;
}

/** Bytes at the start of a file that suffice to recognise every format. */
export const HEAD_BYTES = 64 * 1024;

/**
 * Rejects a file that is certainly not video or audio. Unknown content passes: a media worker decides by opening it.
 * @param head the first `HEAD_BYTES`, or the whole file if it is shorter
 * @returns the MIME type if the signature is known
 * @throws {ReelvecError} `source_not_media` with the format found and advice
 */
export function requireMedia(head: Uint8Array, { subject, details }: Subject): string | undefined {
  const type = mediaType(head) ?? animationType(head);
  if (type) return type;
  const reason = notMedia(head);
  if (reason) throw new ReelvecError('source_not_media', `${subject} ${reason}`, { details });
  return undefined;
}

/**
 * Rejects a file that is not an image in a supported format. A media worker finds out later if it is intact.
 * @param head the first `HEAD_BYTES`, or the whole file if it is shorter
 * @returns the MIME type
 * @throws {ReelvecError} `source_not_media` with the format found and advice
 */
export function requireImage(head: Uint8Array, { subject, details }: Subject): string {
  const type = imageType(head);
  if (type) return type;
  const picture = pictureName(head);
  const found = picture ? `a ${picture} image` : (mediaType(head) ?? nonMediaName(head) ?? 'of an unknown format');
  throw new ReelvecError(
    'source_not_media',
    `${subject} is ${found}; an image may be JPEG, PNG, WebP or AVIF. Give the image file itself, or convert it.`,
    { details },
  );
}

/**
 * Rejects a file that is certainly neither an image in a supported format nor video nor audio.
 * @param head the first `HEAD_BYTES`, or the whole file if it is shorter
 * @returns the MIME type if the signature is known; always for an image
 * @throws {ReelvecError} `source_not_media` with the format found and advice
 */
export function requireMediaOrImage(head: Uint8Array, { subject, details }: Subject): string | undefined {
  return imageType(head) ?? requireMedia(head, { subject, details });
}

/** Format of a file that is not media, for the middle of a sentence: `an HTML page`. */
function nonMediaName(head: Uint8Array): string | undefined {
  return notMedia(head)?.replace(/^is |[;:,.].*$/g, '');
}
