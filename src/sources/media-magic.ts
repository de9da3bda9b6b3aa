/**
 * Magic numbers of video, audio and image files, from the formats' specifications. MIME types are IANA's if registered.
 * docs/adr/0007 compares them with the package file-type.
 */

type Signature = readonly [type: string, offset: number, bytes: string];

/** Magic numbers at fixed offsets, as Latin-1 text. The first match wins. */
const MEDIA_SIGNATURES: readonly Signature[] = [
  ['audio/flac', 0, 'fLaC'],
  ['audio/ogg', 28, '\x01vorbis'],
  ['audio/ogg', 28, 'OpusHead'],
  ['audio/ogg', 28, '\x7fFLAC'],
  ['video/ogg', 0, 'OggS'],
  ['video/x-flv', 0, 'FLV\x01'],
  ['video/x-ms-asf', 0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
  ['video/mpeg', 0, '\x00\x00\x01\xba'],
  ['video/mpeg', 0, '\x00\x00\x01\xb3'],
  ['application/mxf', 0, '\x06\x0e\x2b\x34\x02\x05\x01\x01'],
  ['audio/amr', 0, '#!AMR\n'],
  ['audio/amr-wb', 0, '#!AMR-WB\n'],
  ['audio/x-caf', 0, 'caff\x00\x01'],
  ['audio/basic', 0, '.snd\x00\x00'],
  ['audio/x-wavpack', 0, 'wvpk'],
];

/** Types of the first box of ISO base media and QuickTime files. */
const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'moof', 'sidx', 'free', 'skip', 'wide', 'pnot'];
/** `ftyp` brands of HEIF and AVIF images. */
const PICTURE_BRANDS = /^(avif|avis|heic|heix|heim|heis|hevc|hevx|mif1|msf1|jpeg|crx )$/;

/** MIME type of video or audio with a known signature; undefined for anything else. */
export function mediaType(head: Uint8Array): string | undefined {
  const text = latin1(head);
  const signature = MEDIA_SIGNATURES.find(([, offset, bytes]) => text.startsWith(bytes, offset));
  return (
    signature?.[0] ??
    isoMediaType(text) ??
    riffType(text) ??
    matroskaType(text) ??
    audioStreamType(head) ??
    transportStreamType(head)
  );
}

/** MIME type of an image in a supported format; undefined for anything else. */
export function imageType(head: Uint8Array): string | undefined {
  const text = latin1(head);
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'image/webp';
  // The major brand may be HEIF's generic one; AVIF is then among the compatible brands.
  return isBoxedPicture(text) && /^(?:....)*?avi[fs]/s.test(text.slice(8, ftypEnd(head))) ? 'image/avif' : undefined;
}

/** MIME type of an image that may be animated. For GIF the first bytes do not say whether it is. */
export function animationType(head: Uint8Array): string | undefined {
  const text = latin1(head);
  if (/^GIF8[79]a/.test(text)) return 'image/gif';
  // Animation flag of an extended WebP file. An animated PNG has an acTL chunk before its first picture.
  if (/^RIFF....WEBPVP8X/s.test(text)) return (head[20]! & 2) !== 0 ? 'image/webp' : undefined;
  const isPng = text.startsWith('\x89PNG\r\n\x1a\n');
  return isPng && text.slice(0, text.indexOf('IDAT')).includes('acTL') ? 'image/apng' : undefined;
}

/** End of the first box, in bytes; at most 256. */
function ftypEnd(head: Uint8Array): number {
  return head.length < 4 ? 0 : Math.min(256, Buffer.from(head.buffer, head.byteOffset, 4).readUInt32BE());
}

/** True for an ISO base media file with a HEIF or AVIF brand. @param text the file's head as Latin-1 */
export function isBoxedPicture(text: string): boolean {
  return text.startsWith('ftyp', 4) && PICTURE_BRANDS.test(text.slice(8, 12));
}

/** Decodes bytes as Latin-1, one character per byte, for matching signatures as text. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function isoMediaType(text: string): string | undefined {
  if (text.startsWith('jP  ', 4) && text.startsWith('ftypmjp2', 16)) return 'video/mj2';
  const box = text.slice(4, 8);
  // First byte of the box length: nonzero only for a huge `mdat`, and never zero in text.
  if (!FIRST_BOXES.includes(box) || (box !== 'mdat' && text[0] !== '\0') || isBoxedPicture(text)) return undefined;
  if (!text.startsWith('ftyp', 4)) return 'video/quicktime';
  const brand = text.slice(8, 12);
  if (brand === 'qt  ') return 'video/quicktime';
  if (brand.startsWith('M4A') || brand.startsWith('M4B')) return 'audio/mp4';
  if (brand.startsWith('3gp')) return 'video/3gpp';
  if (brand.startsWith('3g2')) return 'video/3gpp2';
  return 'video/mp4';
}

function riffType(text: string): string | undefined {
  const container = text.slice(0, 4);
  const form = text.slice(8, 12);
  if (container === 'FORM') return form === 'AIFF' || form === 'AIFC' ? 'audio/aiff' : undefined;
  if (!['RIFF', 'RF64', 'BW64'].includes(container)) return undefined;
  return form === 'WAVE' ? 'audio/wav' : form === 'AVI ' ? 'video/x-msvideo' : undefined;
}

function matroskaType(text: string): string | undefined {
  if (!text.startsWith('\x1a\x45\xdf\xa3')) return undefined;
  return text.slice(0, 64).includes('webm') ? 'video/webm' : 'video/x-matroska';
}

/**
 * MIME type of MPEG audio and AAC in ADTS. Neither has a magic number: a frame starts with eleven or twelve set bits and
 * valid header fields.
 */
function audioStreamType(head: Uint8Array): string | undefined {
  if (latin1(head.subarray(0, 3)) === 'ID3') return 'audio/mpeg';
  const [first = 0, second = 0, third = 0] = head;
  if (first !== 0xff || head.length < 4) return undefined;
  // ADTS: sync 12 bits, layer 0, a sampling frequency index that is not reserved.
  if ((second & 0xf6) === 0xf0) return ((third >> 2) & 15) < 13 ? 'audio/aac' : undefined;
  const version = (second >> 3) & 3;
  const layer = (second >> 1) & 3;
  const bitRate = third >> 4;
  const sampleRate = (third >> 2) & 3;
  const valid = (second & 0xe0) === 0xe0 && version !== 1 && layer !== 0 && bitRate !== 15 && sampleRate !== 3;
  // FF FE is also the byte order mark of UTF-16 text, in which a zero byte follows.
  const utf16 = second === 0xfe && head[3] === 0;
  return valid && !utf16 ? 'audio/mpeg' : undefined;
}

/** MIME type of MPEG-TS: packets of 188 bytes from 0x47, with 4 bytes of time before (192) or 16 of parity after (204). */
function transportStreamType(head: Uint8Array): string | undefined {
  const layouts = [
    [0, 188],
    [4, 192],
    [0, 204],
  ] as const;
  const found = layouts.some(([offset, step]) => [0, 1, 2, 3].every((packet) => head[offset + packet * step] === 0x47));
  return found ? 'video/mp2t' : undefined;
}
