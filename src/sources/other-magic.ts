import { isBoxedPicture, latin1 } from './media-magic.ts';

/** End of the error sentence for playlists. The media they refer to is never fetched. */
const PLAYLIST = 'which only points to media: give the media file itself.';
/** End of the error sentence for text and markup. */
const MEDIA = 'not a media file: give the media file itself.';
/** End of the error sentence for archives. */
const ARCHIVE = 'not a media file: unpack it and send the video or audio inside.';
/** Request that embeds an image. */
const EMBED_IMAGE = 'with POST /embed-v2 and input_type "image".';
/** Image formats that can be embedded. */
const EMBEDDABLE_IMAGES = ['JPEG', 'PNG', 'WebP', 'AVIF'];

/** Format whose first bytes do not say if it is animated: a media worker finds out. */
const JPEG_XL = 'JPEG XL';

/** Magic numbers of image formats, as Latin-1 text. */
const PICTURE_SIGNATURES: readonly (readonly [name: string, offset: number, bytes: string])[] = [
  ['PNG', 0, '\x89PNG\r\n'],
  ['JPEG', 0, '\xff\xd8\xff'],
  ['GIF', 0, 'GIF8'],
  ['WebP', 8, 'WEBP'],
  ['TIFF', 0, 'II*\x00'],
  ['TIFF', 0, 'MM\x00*'],
  [JPEG_XL, 0, '\x00\x00\x00\x0cJXL '],
  ['JPEG 2000', 0, '\x00\x00\x00\x0cjP  '],
  ['Photoshop', 0, '8BPS'],
];

/** Magic numbers of archives and documents, as Latin-1 text. */
const DOCUMENT_SIGNATURES: readonly (readonly [reason: string, offset: number, bytes: string])[] = [
  [`is a ZIP archive, ${ARCHIVE}`, 0, 'PK\x03\x04'],
  [`is a ZIP archive, ${ARCHIVE}`, 0, 'PK\x05\x06'],
  [`is a gzip archive, ${ARCHIVE}`, 0, '\x1f\x8b'],
  [`is a RAR archive, ${ARCHIVE}`, 0, 'Rar!\x1a\x07'],
  [`is a 7z archive, ${ARCHIVE}`, 0, "7z\xbc\xaf'\x1c"],
  [`is an xz archive, ${ARCHIVE}`, 0, '\xfd7zXZ\x00'],
  [`is a bzip2 archive, ${ARCHIVE}`, 4, '1AY&SY'],
  [`is a Zstandard archive, ${ARCHIVE}`, 0, '\x28\xb5\x2f\xfd'],
  [`is a tar archive, ${ARCHIVE}`, 257, 'ustar'],
  ['is a PDF document; only video and audio can be read.', 0, '%PDF-'],
];

/** Patterns of text formats, tried in order. */
const TEXT_PATTERNS: readonly (readonly [reason: string, pattern: RegExp])[] = [
  [`is an HLS playlist, ${PLAYLIST}`, /^#EXTM3U/i],
  [`is an FFmpeg concat script, ${PLAYLIST}`, /^ffconcat /],
  [`is a PLS playlist, ${PLAYLIST}`, /^\[playlist\]/i],
  [`is an ASX playlist, ${PLAYLIST}`, /^\[reference\]/i],
  [`is an SDP session description, ${PLAYLIST}`, /^v=0\r?\no=/],
  [`is a JSON document, ${MEDIA}`, /^[[{]/],
];

/** Names of the outermost element of markup, tried in order. */
const ELEMENT_PATTERNS: readonly (readonly [reason: string, name: RegExp])[] = [
  [`is a DASH manifest, ${PLAYLIST}`, /^mpd$/i],
  [`is a Smooth Streaming manifest, ${PLAYLIST}`, /^smoothstreamingmedia$/i],
  [`is an ASX playlist, ${PLAYLIST}`, /^asx$/i],
  [`is an HTML page, ${MEDIA}`, /^(html|head|body|title|meta|link|script|style|div|p|h1)$/i],
  [`is an XML document, ${MEDIA}`, /./],
];

/**
 * Reason why a file is certainly not video or audio, as a predicate for an error sentence: `is an HTML page, not a media
 * file: give the media file itself.`
 * @returns undefined if it may be media
 */
export function notMedia(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'is empty.';
  const picture = pictureName(head);
  if (picture && picture !== JPEG_XL) return stillPicture(picture);
  const bytes = latin1(head);
  const signature = DOCUMENT_SIGNATURES.find(([, offset, magic]) => bytes.startsWith(magic, offset));
  if (signature) return signature[0];
  const text = asText(head)?.trimStart();
  if (text === undefined) return undefined;
  const element = firstElement(text);
  const kind = element
    ? ELEMENT_PATTERNS.find(([, name]) => name.test(element))
    : TEXT_PATTERNS.find(([, beginning]) => beginning.test(text));
  return kind?.[0] ?? `is plain text, ${MEDIA}`;
}

function stillPicture(format: string): string {
  const name = `is ${format === 'AVIF' ? 'an' : 'a'} ${format} image`;
  return EMBEDDABLE_IMAGES.includes(format)
    ? `${name}, and shows no moving pictures. Embed it ${EMBED_IMAGE}`
    : `${name}, a format that is not read. Convert it to JPEG, PNG, WebP or AVIF and embed it ${EMBED_IMAGE}`;
}

/** Name of an image format, such as `HEIC`; undefined for anything else. */
export function pictureName(head: Uint8Array): string | undefined {
  const bytes = latin1(head);
  const signature = PICTURE_SIGNATURES.find(([, offset, magic]) => bytes.startsWith(magic, offset));
  if (signature) return signature[0];
  if (isBoxedPicture(bytes)) return /^avi[fs]/.test(bytes.slice(8)) ? 'AVIF' : 'HEIC';
  return isBitmap(head) ? 'BMP' : undefined;
}

/** Name of the outermost element of HTML or XML, after declarations and comments, or of the DOCTYPE. */
function firstElement(text: string): string | undefined {
  let rest = text;
  for (const [open, close] of [
    ['<?', '?>'],
    ['<!--', '-->'],
  ] as const) {
    while (rest.startsWith(open)) {
      const end = rest.indexOf(close);
      if (end < 0) return 'comment';
      rest = rest.slice(end + close.length).trimStart();
    }
  }
  return /^<(?:!doctype\s+)?(?:[\w-]+:)?(\w+)/i.exec(rest)?.[1];
}

/** True for a BMP file. `BM` alone is too weak: the length of the second header must be a known one as well. */
function isBitmap(head: Uint8Array): boolean {
  return (
    head[0] === 0x42 && head[1] === 0x4d && [12, 40, 52, 56, 64, 108, 124].includes(head[14] ?? 0) && head[15] === 0
  );
}

/** Decodes a head as text: UTF-16 with a byte order mark, or UTF-8. Undefined if it is invalid or has control characters. */
function asText(head: Uint8Array): string | undefined {
  const utf16 =
    head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 0;
  try {
    // As a stream, since the head may end within a character.
    const text = new TextDecoder(utf16 || 'utf-8', { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells text from media
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
