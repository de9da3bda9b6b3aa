import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { NO_REAL_MEDIA, REAL_MEDIA } from '../../test/support/real-media.ts';
import { ReelvecError } from '../errors.ts';
import { requireImage, requireMedia, requireMediaOrImage } from './sniff.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const box = (text: string) => latin1(`\0\0\0\x20${text}\0\0\x02\0isomiso2mp41`);

function packets(offset: number, step: number): Buffer {
  const stream = Buffer.alloc(4 * step + offset, 0x5a);
  for (let at = offset; at < stream.length; at += step) stream[at] = 0x47;
  return stream;
}

function refusal(head: Uint8Array): string | undefined {
  try {
    requireMedia(head, { subject: 'The source at h.org' });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ReelvecError && error.code === 'source_not_media');
    return error.message;
  }
}

test('known media passes at once, with its type', () => {
  const known: [string, Buffer][] = [
    ['video/mp4', box('ftypisom')],
    ['video/quicktime', box('ftypqt  ')],
    ['audio/mp4', box('ftypM4A ')],
    ['video/quicktime', box('moov')],
    ['video/quicktime', latin1('\x30\0\0\0mdat')],
    ['video/webm', latin1('\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm')],
    ['video/x-matroska', latin1('\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska')],
    ['audio/wav', latin1('RIFF\x24\0\0\0WAVEfmt ')],
    ['video/x-msvideo', latin1('RIFF\x24\0\0\0AVI LIST')],
    ['audio/aiff', latin1('FORM\0\0\0\x24AIFFCOMM')],
    ['audio/flac', latin1('fLaC\0\0\0\x22')],
    ['audio/mpeg', latin1('ID3\x04\0\0\0\0\0\x23TSSE')],
    ['audio/mpeg', latin1('\xff\xfb\x90\x64\0\0')],
    ['audio/mpeg', latin1('\xff\xf3\x40\xc4')],
    ['audio/aac', latin1('\xff\xf1\x50\x80\x02\x1f')],
    ['audio/ogg', latin1(`OggS${'\0'.repeat(24)}OpusHead`)],
    ['video/ogg', latin1(`OggS${'\0'.repeat(24)}\x80theora`)],
    ['video/mp2t', packets(0, 188)],
    ['video/mp2t', packets(4, 192)],
    ['video/mpeg', latin1('\0\0\x01\xba\x44')],
    ['video/x-flv', latin1('FLV\x01\x05')],
    ['image/gif', latin1('GIF89a')],
    ['image/webp', latin1('RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x02')],
    ['image/apng', latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08acTL\0\0\0\x02IDAT')],
    ['video/mj2', latin1('\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypmjp2')],
    ['video/x-ms-asf', latin1('\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9')],
    ['audio/ogg', latin1(`OggS${'\0'.repeat(24)}\x01vorbis`)],
    ['audio/ogg', latin1(`OggS${'\0'.repeat(24)}\x7fFLAC`)],
    ['video/mpeg', latin1('\0\0\x01\xb3\x14')],
    ['application/mxf', latin1('\x06\x0e\x2b\x34\x02\x05\x01\x01')],
    ['audio/amr', latin1('#!AMR\n\x3c')],
    ['audio/amr-wb', latin1('#!AMR-WB\n\x3c')],
    ['audio/x-caf', latin1('caff\0\x01\0\0')],
    ['audio/basic', latin1('.snd\0\0\0\x18')],
    ['audio/x-wavpack', latin1('wvpk\x10\0')],
    ['audio/wav', latin1('RF64\xff\xff\xff\xffWAVEds64')],
    ['audio/wav', latin1('BW64\xff\xff\xff\xffWAVEds64')],
    ['audio/aiff', latin1('FORM\0\0\0\x24AIFCFVER')],
    ['audio/mp4', box('ftypM4B ')],
    ['video/3gpp', box('ftyp3gp4')],
    ['video/3gpp2', box('ftyp3g2a')],
    ['video/mp2t', packets(0, 204)],
    ...['styp', 'moof', 'sidx', 'free', 'skip', 'wide', 'pnot'].map((type): [string, Buffer] => [
      'video/quicktime',
      box(type),
    ]),
  ];
  for (const [type, head] of known) assert.equal(requireMedia(head, { subject: 'It' }), type);
});

test('MPEG audio and ADTS are recognised by a valid frame header', () => {
  const headers: [string | undefined, string][] = [
    ['audio/mpeg', '\xff\xfd\x90\xc4'], // layer II
    ['audio/mpeg', '\xff\xe3\x90\xc4'], // version 2.5
    ['audio/mpeg', '\xff\xfe\x90\xc4'], // layer I
    ['audio/mpeg', '\xff\xfb\xe8\xc4'], // highest bit rate and sample rate
    ['audio/aac', '\xff\xf9\x70\x80'], // MPEG-2, highest sampling index
    [undefined, '\xff\xfb\x90'], // too short
    [undefined, '\xff\xeb\x90\xc4'], // reserved version
    [undefined, '\xff\xe1\x90\xc4'], // reserved layer
    [undefined, '\xff\xfb\xf0\xc4'], // invalid bit rate
    [undefined, '\xff\xfb\x9c\xc4'], // reserved sample rate
    [undefined, '\xff\xdb\x90\xc4'], // no sync
    [undefined, '\xff\xf1\x74\x80'], // reserved sampling index
  ];
  for (const [type, head] of headers) assert.equal(requireMedia(latin1(head), { subject: 'It' }), type, head);
});

test('unknown binary content is left to the media worker', () => {
  assert.equal(requireMedia(latin1('\x01\x02\x03\xfe\xff\0\0\x99'), { subject: 'It' }), undefined);
  assert.equal(requireMedia(latin1('#!AMR is no header\0\x01\xff'), { subject: 'It' }), undefined);
  for (const head of [
    'words and a control character \x01',
    'FORM\0\0\0\x24ILBM',
    'RIFF\x24\0\0\0ACON',
    'XXXX\x24\0\0\0WAVE',
    '\0\0\0\x0cJXL \r\n\x87\n',
    `BM${'\0'.repeat(12)}\x29\0\0`,
    `BM${'\0'.repeat(12)}\x28\x01\0`,
  ]) {
    assert.equal(requireMedia(latin1(head), { subject: 'It' }), undefined, head);
  }
});

test('pages, documents and text are refused with advice', () => {
  const page = 'is an HTML page, not a media file: give the media file itself.';
  const xml = 'is an XML document, not a media file: give the media file itself.';
  const text = 'is plain text, not a media file: give the media file itself.';
  const refused: [string, string | Buffer][] = [
    [page, '<!DOCTYPE html><html>'],
    [page, '\ufeff\n\n  <HTML lang="en">'],
    [page, '<!-- saved page -->\n<!-- twice -->\n<html>'],
    [page, '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">'],
    [page, '<head><title>Watch</title>'],
    [page, Buffer.from('\ufeff<html>', 'utf16le')],
    [page, Buffer.from('\ufeff<html>', 'utf16le').swap16()],
    [xml, '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    [xml, '<!-- never closed'],
    [text, '<!---->'.repeat(9000)],
    ['is a JSON document, not a media file: give the media file itself.', ' {"message":"Not found"}'],
    [text, 'Not found'],
    [text, 'Nicht gefunden: Übergröße'],
    [text, Buffer.from('größer').subarray(0, 3)],
    [text, 'Get free stuff here'],
    ['is empty.', ''],
  ];
  for (const [reason, head] of refused) {
    assert.equal(refusal(typeof head === 'string' ? Buffer.from(head) : head), `The source at h.org ${reason}`);
  }
});

test('playlists and manifests are refused, and their media is not read', () => {
  const playlists: [RegExp, string][] = [
    [/is an HLS playlist/, '#EXTM3U\n#EXT-X-VERSION:3\n'],
    [/is an HLS playlist/, '\ufeff#EXTM3U\n'],
    [/is an FFmpeg concat script/, 'ffconcat version 1.0\nfile /etc/passwd\n'],
    [/is a PLS playlist/, '[playlist]\nFile1=http://h.org/a\n'],
    [/is an ASX playlist/, '<asx version="3.0">'],
    [/is an ASX playlist/, '[Reference]\nRef1=http://h.org/a'],
    [/is an SDP session description/, 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n'],
    [/is a DASH manifest/, '<?xml version="1.0"?>\n<!-- made by x -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'],
    [/is a Smooth Streaming manifest/, '<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2">'],
  ];
  for (const [message, head] of playlists) {
    assert.match(refusal(Buffer.from(head)) ?? '', message);
    assert.match(refusal(Buffer.from(head)) ?? '', /only points to media: give the media file itself\.$/);
  }
});

test('archives, documents and pictures are refused', () => {
  const others: [RegExp, Buffer][] = [
    [/ZIP archive/, latin1('PK\x03\x04\x14\0')],
    [/gzip archive/, gzipSync('x')],
    [/RAR archive/, latin1('Rar!\x1a\x07\x01\0')],
    [/7z archive/, latin1("7z\xbc\xaf'\x1c\0")],
    [/tar archive/, Buffer.concat([Buffer.alloc(257), latin1('ustar\0')])],
    [/ZIP archive/, latin1('PK\x05\x06\0\0')],
    [/xz archive/, latin1('\xfd7zXZ\0\0')],
    [/bzip2 archive/, latin1('BZh91AY&SY')],
    [/Zstandard archive/, latin1('\x28\xb5\x2f\xfd\x24')],
    [/a TIFF image.*Convert it/, latin1('II*\0\x08\0')],
    [/a TIFF image/, latin1('MM\0*\0\0')],
    [/a Photoshop image/, latin1('8BPS\0\x01')],
    ...[12, 40, 52, 56, 64, 108, 124].map((size): [RegExp, Buffer] => [
      /a BMP image/,
      Buffer.concat([latin1('BM'), Buffer.alloc(12), Buffer.of(size, 0, 0, 0)]),
    ]),
    [/PDF document/, latin1('%PDF-1.7\n%\xe2')],
    [/PNG image/, latin1('\x89PNG\r\n\x1a\n')],
    [/JPEG image/, latin1('\xff\xd8\xff\xe0\0\x10JFIF')],
    [/WebP image/, latin1('RIFF\x24\0\0\0WEBPVP8 ')],
    [/WebP image/, latin1('RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x10')],
    [/BMP image/, latin1('BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0')],
    [/is an AVIF image.*input_type "image"/, box('ftypavif')],
    [/is a HEIC image.*Convert it to JPEG, PNG, WebP or AVIF.*input_type "image"/, box('ftypheic')],
    [/JPEG 2000 image/, latin1('\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ')],
  ];
  for (const [message, head] of others) assert.match(refusal(head) ?? '', message);
});

test('no real media is refused', { skip: NO_REAL_MEDIA }, () => passesAll(REAL_MEDIA));

function passesAll(folder: string): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const media = paths.filter((path) =>
    /^(audio|video|odd)\/.*\.(mp4|mov|mkv|webm|avi|ts|mp3|wav|flac|ogg|m4a)$/.test(path),
  );
  assert.ok(media.length > 20);
  for (const path of media) {
    const file = openSync(join(folder, path), 'r');
    const head = Buffer.alloc(65_536);
    const length = readSync(file, head);
    closeSync(file);
    assert.ok(requireMedia(head.subarray(0, length), { subject: path }), `${path} is not known`);
  }
}

test('images of the four formats pass as images, everything else is named', () => {
  const avif = (brand: string) => latin1(`\0\0\0\x1cftyp${brand}\0\0\0\0mif1avifmiaf`);
  const images: [string, Buffer][] = [
    ['image/jpeg', latin1('\xff\xd8\xff\xe0\0\x10JFIF\0')],
    ['image/png', latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR')],
    ['image/webp', latin1('RIFF\x24\0\0\0WEBPVP8 ')],
    ['image/avif', avif('avif')],
    ['image/avif', avif('mif1')],
  ];
  for (const [type, head] of images) assert.equal(requireImage(head, { subject: 'It' }), type);
  const others: [RegExp, Buffer][] = [
    [/^It is video\/mp4; an image may be JPEG, PNG, WebP or AVIF/, box('ftypisom')],
    [/^It is a GIF image;/, latin1('GIF89a')],
    [/^It is a HEIC image;/, latin1('\0\0\0\x18ftypheic\0\0\0\0mif1heic')],
    [/^It is an HTML page;/, latin1('<!doctype html><html>')],
    [/^It is empty;/, Buffer.alloc(0)],
    [/^It is of an unknown format;/, Buffer.from([1, 2, 3, 0, 0xff])],
  ];
  for (const [message, head] of others) {
    assert.throws(() => requireImage(head, { subject: 'It' }), { code: 'source_not_media', message });
  }
});

test('an asset is media or an image, and nothing else', () => {
  assert.equal(requireMediaOrImage(latin1('\x89PNG\r\n\x1a\n'), { subject: 'It' }), 'image/png');
  assert.equal(requireMediaOrImage(box('ftypisom'), { subject: 'It' }), 'video/mp4');
  assert.equal(requireMediaOrImage(latin1('\x01\x02\0\xff'), { subject: 'It' }), undefined);
  assert.throws(() => requireMediaOrImage(Buffer.from('<html>'), { subject: 'It', details: { field: 'url' } }), {
    code: 'source_not_media',
    details: { field: 'url' },
  });
  assert.throws(() => requireImage(Buffer.from('x'), { subject: 'It', details: { field: 'url' } }), {
    details: { field: 'url' },
  });
});
