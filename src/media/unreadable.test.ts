import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FF_ENCODER_APNG, FF_ENCODER_GIF, FF_ENCODER_LIBWEBP_ANIM } from 'node-av/constants';
import { makeMedia } from '../../test/support/make-media.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from '../../test/support/real-media.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { ReelvecError } from '../errors.ts';
import { probe } from './probe.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

const at = (name: string) => join(folder.path, name);

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return at(name);
}

function refusal(path: string): ReelvecError {
  try {
    probe(path);
  } catch (error) {
    assert.ok(error instanceof ReelvecError, String(error));
    return error;
  }
  assert.fail(`${path} opened`);
}

test('animations count as moving pictures, including their last one', () => {
  const kinds = [
    ['gif', { videoCodec: FF_ENCODER_GIF, pixelFormat: 'rgb8' }, 'image/gif'],
    ['apng', { videoCodec: FF_ENCODER_APNG, pixelFormat: 'rgb24' }, 'image/apng'],
    ['webp', { videoCodec: FF_ENCODER_LIBWEBP_ANIM }, 'image/webp'],
  ] as const;
  for (const [ending, recipe, mimeType] of kinds) {
    const path = makeMedia(at(`moving.${ending}`), { video: 'testsrc2=size=400x400:rate=2:duration=5', ...recipe });
    const { video, durationSec, ...media } = probe(path);
    assert.deepEqual([media.mimeType, video?.width, video?.height, durationSec], [mimeType, 400, 400, 5], ending);
  }
  const still = makeMedia(at('still.gif'), {
    video: 'testsrc2=size=64x64:rate=1:duration=1',
    videoCodec: FF_ENCODER_GIF,
    pixelFormat: 'rgb8',
  });
  const { code, message } = refusal(still);
  assert.equal(code, 'source_not_media');
  assert.match(message, /still picture \(GIF\).*input_type "image"/);
});

test('Common Encryption is reported by name', () => {
  const path = makeMedia(at('cenc.mp4'), {
    video: 'testsrc2=size=640x360:rate=10:duration=5',
    audio: 'sine=duration=5',
    muxing: {
      encryption_scheme: 'cenc-aes-ctr',
      encryption_key: '76a6c65c5ea762046bd749a2e632ccbb',
      encryption_kid: 'a7e61c373e219033c21091fa607bf3b8',
    },
  });
  const { code, message, details } = refusal(path);
  assert.equal(code, 'media_has_no_track');
  assert.match(message, /the pictures are encrypted \(h264\)\. .*without DRM/);
  assert.deepEqual(details, { codec: 'h264', encrypted: true });
});

test('FairPlay, SAMPLE-AES and codecs without a decoder are reported by name', () => {
  const film = makeMedia(at('film.mp4'), {
    video: 'testsrc2=size=640x360:rate=10:duration=5',
    audio: 'sine=duration=5',
  });
  const content = readFileSync(film).toString('latin1');
  const renamed = (video: string, audio: string) =>
    Buffer.from(
      content.replace('avc1\0\0\0\0', `${video}\0\0\0\0`).replace('mp4a\0\0\0\0', `${audio}\0\0\0\0`),
      'latin1',
    );
  assert.equal(probe(film).unreadable, undefined);
  assert.deepEqual(refusal(write('fairplay.mp4', renamed('drmi', 'drms'))).details, {
    codec: 'drmi',
    encrypted: true,
  });
  // The other track is read as far as possible.
  const half = probe(write('half.mp4', renamed('avc1', 'drms')));
  assert.deepEqual([half.video?.codec, half.audio], ['h264', undefined]);
  assert.deepEqual(half.unreadable, [{ type: 'audio', codec: 'aac', isEncrypted: true }]);
  const unknown = probe(write('unknown.mp4', renamed('xyz1', 'mp4a')));
  assert.deepEqual([unknown.mimeType, unknown.audio?.codec], ['video/mp4', 'aac']);
  assert.deepEqual(unknown.unreadable, [{ type: 'video', codec: 'xyz1', isEncrypted: false }]);

  const stream = makeMedia(at('plain.ts'), {
    video: 'testsrc2=size=640x360:rate=10:duration=5',
    audio: 'sine=duration=5',
  });
  const sampleAes = write('sample-aes.ts', withStreamTypes(readFileSync(stream), { 27: 0xdb, 15: 0xcf }));
  assert.deepEqual(refusal(sampleAes).details, { codec: 'h264', encrypted: true });
});

/** Changes the stream types in the program map tables of an MPEG-TS file (ISO 13818-1, 2.4.4.8). */
function withStreamTypes(stream: Buffer, types: Readonly<Record<number, number>>): Buffer {
  for (let packet = 0; packet < stream.length; packet += 188) {
    const table = packet + 5 + stream[packet + 4]!;
    const isMap = (stream.readUInt16BE(packet + 1) & 0x5fff) === 0x5000;
    if (!isMap) continue;
    const end = table + 3 + (stream.readUInt16BE(table + 1) & 0xfff) - 4;
    const first = table + 12 + (stream.readUInt16BE(table + 10) & 0xfff);
    for (let entry = first; entry < end; entry += 5 + (stream.readUInt16BE(entry + 3) & 0xfff)) {
      stream[entry] = types[stream[entry]!] ?? stream[entry]!;
    }
    stream.writeUInt32BE(mpegCrc(stream.subarray(table, end)), end);
  }
  return stream;
}

function mpegCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

test('a refused format is named, and only an allowed one is reported as damaged', () => {
  const refusals: [string, string | Uint8Array, RegExp][] = [
    [
      'subtitles',
      '1\n00:00:01,000 --> 00:00:02,000\nhello\n\n',
      /SubRip subtitle \(srt\), which holds neither pictures nor sound/,
    ],
    ['list', 'ffconcat version 1.0\nfile film.mp4\n', /\(concat\), which refers to other files or addresses/],
    ['page', '<html></html>', /The format of the file is not known/],
    ['picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), /PNG \(png_pipe\), which is a still picture/],
  ];
  for (const [name, content, message] of refusals) {
    const error = refusal(write(name, content));
    assert.equal(error.code, 'source_not_media', error.message);
    assert.match(error.message, message);
    if (name !== 'page') assert.doesNotMatch(error.message, /damaged/);
  }
  const { code, message } = refusal(
    write('no-index.mp4', '\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\0\x10mdatabcdefgh'),
  );
  assert.equal(code, 'video_file_broken');
  assert.match(message, /begins like QuickTime \/ MOV .*damaged, or cut off before its index/);
});

const field = join(REAL_MEDIA, 'field');
test('a photo is refused by its format, a recording of Windows Media Center is read', { skip: NO_REAL_MEDIA }, () => {
  const { code, message } = refusal(join(field, 'k17_photo.heic'));
  assert.equal(code, 'source_not_media');
  assert.match(message, /still picture \(HEIC\).*as JPEG, PNG, WebP or AVIF/);
  const { format, video } = probe(join(field, 'k17_container_wtv.wtv'));
  assert.deepEqual([format, video?.width, video?.height], ['wtv', 640, 360]);
});
