import { type ErrorDetails, ReelvecError } from '../errors.ts';
import { animationType, imageType, mediaType } from './media-magic.ts';
import { notMedia, pictureName } from './other-magic.ts';

/** What the bytes are of, for errors. */
export interface Subject {
  /** Begins the sentence: `The source at example.org`. */
  readonly subject: string;
  readonly details?: ErrorDetails;
}

/** As many first bytes as every format needs to show what it is. */
export const HEAD_BYTES = 64 * 1024;

/**
 * Decides from the first `HEAD_BYTES`, or all if it is shorter, whether something can be video or audio at all. To pass
 * it only has to look like nothing else: what it really is, a media worker finds out by opening it.
 * @returns the MIME type where the bytes name one
 * @throws source_not_media, saying what it is and what to do
 */
export function requireMedia(head: Uint8Array, { subject, details }: Subject): string | undefined {
  const type = mediaType(head) ?? animationType(head);
  if (type) return type;
  const reason = notMedia(head);
  if (reason) throw new ReelvecError('source_not_media', `${subject} ${reason}`, { details });
  return undefined;
}

/**
 * Decides from the first `HEAD_BYTES`, or all if it is shorter, whether something is an image of a format that can be
 * read; whether it is whole, a media worker finds out.
 * @returns its MIME type
 * @throws source_not_media, saying what it is and what to do
 */
export function requireImage(head: Uint8Array, { subject, details }: Subject): string {
  const type = imageType(head);
  if (type) return type;
  const picture = pictureName(head);
  const found = picture ? `a ${picture} image` : (mediaType(head) ?? whatItIs(head) ?? 'of an unknown format');
  throw new ReelvecError(
    'source_not_media',
    `${subject} is ${found}; an image may be JPEG, PNG, WebP or AVIF. Give the image file itself, or convert it.`,
    { details },
  );
}

/**
 * Decides from the first `HEAD_BYTES`, or all if it is shorter, whether something may be an image, video or audio.
 * @returns the MIME type where the bytes name one; of an image they always do
 * @throws source_not_media, saying what it is and what to do
 */
export function requireMediaOrImage(head: Uint8Array, { subject, details }: Subject): string | undefined {
  return imageType(head) ?? requireMedia(head, { subject, details });
}

function whatItIs(head: Uint8Array): string | undefined {
  return notMedia(head)?.replace(/^is |[;:,.].*$/g, '');
}
