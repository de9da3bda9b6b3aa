import { isBoxedPicture, latin1 } from './media-magic.ts';

/** Ends a sentence about a playlist: the pieces behind it are never fetched. */
const PLAYLIST = 'which only points to media: give the media file itself.';
const MEDIA = 'not a media file: give the media file itself.';
const ARCHIVE = 'not a media file: unpack it and send the video or audio inside.';
const EMBED_IMAGE = 'with POST /embed-v2 and input_type "image".';
/** Formats of images that can be embedded. */
const EMBEDDABLE_IMAGES = ['JPEG', 'PNG', 'WebP', 'AVIF'];

/** Its first bytes do not tell whether it moves: a media worker finds out. */
const JPEG_XL = 'JPEG XL';

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

const TEXT_PATTERNS: readonly (readonly [reason: string, pattern: RegExp])[] = [
  [`is an HLS playlist, ${PLAYLIST}`, /^#EXTM3U/i],
  [`is an FFmpeg concat script, ${PLAYLIST}`, /^ffconcat /],
  [`is a PLS playlist, ${PLAYLIST}`, /^\[playlist\]/i],
  [`is an ASX playlist, ${PLAYLIST}`, /^\[reference\]/i],
  [`is an SDP session description, ${PLAYLIST}`, /^v=0\r?\no=/],
  [`is a JSON document, ${MEDIA}`, /^[[{]/],
];

const ELEMENT_PATTERNS: readonly (readonly [reason: string, name: RegExp])[] = [
  [`is a DASH manifest, ${PLAYLIST}`, /^mpd$/i],
  [`is a Smooth Streaming manifest, ${PLAYLIST}`, /^smoothstreamingmedia$/i],
  [`is an ASX playlist, ${PLAYLIST}`, /^asx$/i],
  [`is an HTML page, ${MEDIA}`, /^(html|head|body|title|meta|link|script|style|div|p|h1)$/i],
  [`is an XML document, ${MEDIA}`, /./],
];

/**
 * What something is when it is certainly no video or audio, as the rest of a sentence: `is an HTML page, not a media
 * file: give the media file itself.` Undefined when it may be media.
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

/** The name of an image's format, `HEIC`; undefined for everything else. */
export function pictureName(head: Uint8Array): string | undefined {
  const bytes = latin1(head);
  const signature = PICTURE_SIGNATURES.find(([, offset, magic]) => bytes.startsWith(magic, offset));
  if (signature) return signature[0];
  if (isBoxedPicture(bytes)) return /^avi[fs]/.test(bytes.slice(8)) ? 'AVIF' : 'HEIC';
  return isBitmap(head) ? 'BMP' : undefined;
}

/** Name of the outermost element of HTML or XML, found behind declarations and comments, or of its DOCTYPE. */
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

/** `BM` alone could begin anything: the length of the second header must be one that exists. */
function isBitmap(head: Uint8Array): boolean {
  return (
    head[0] === 0x42 && head[1] === 0x4d && [12, 40, 52, 56, 64, 108, 124].includes(head[14] ?? 0) && head[15] === 0
  );
}

/** The head as text if it is any: UTF-16 with a byte order mark, or UTF-8 without control characters. */
function asText(head: Uint8Array): string | undefined {
  const utf16 =
    head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 0;
  try {
    // As a stream, because the last character may be cut in the middle.
    const text = new TextDecoder(utf16 || 'utf-8', { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells text from media
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
