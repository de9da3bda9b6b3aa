import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, VIDEO } from '../../test/support/media-info.ts';
import { isReelvecError } from '../errors.ts';
import type { AudioTrack, MediaInfo } from '../media/info.ts';
import { checkLimits } from './limits.ts';

const LIMITS = { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000 };
const video = { inputType: 'video', startSec: 0 } as const;
const audio = { inputType: 'audio', startSec: 0 } as const;

function sized(width: number, height: number): MediaInfo {
  return { ...VIDEO, video: { ...VIDEO.video!, width, height } };
}

function sound(format: string, codec: string): MediaInfo {
  return { ...AUDIO, format, audio: { ...(AUDIO.audio as AudioTrack), codec } };
}

function codeOf(media: MediaInfo, request: Parameters<typeof checkLimits>[1] = video): string {
  try {
    checkLimits(media, request, LIMITS);
    return 'accepted';
  } catch (error) {
    assert.ok(isReelvecError(error), String(error));
    assert.equal(error.status, 400);
    return error.code;
  }
}

test('the range is the requested one, clamped to the end of the file', () => {
  assert.deepEqual(checkLimits(VIDEO, video, LIMITS), { startSec: 0, endSec: 20.5 });
  assert.deepEqual(checkLimits(VIDEO, { ...video, startSec: 3, endSec: 8 }, LIMITS), { startSec: 3, endSec: 8 });
  assert.deepEqual(checkLimits(VIDEO, { ...video, startSec: 20, endSec: 99 }, LIMITS), { startSec: 20, endSec: 20.5 });
  assert.equal(codeOf(VIDEO, { ...video, startSec: 20.5 }), 'parameter_invalid');
  assert.throws(() => checkLimits(VIDEO, { ...video, startSec: 60 }, LIMITS), /video\.start_sec is 60, but .* 20\.5 s/);
});

test('media lasts 4 s to 4 h, with a tolerance for rounding in containers', () => {
  const expected: [number, string][] = [
    [0, 'video_file_broken'],
    [Number.NaN, 'video_file_broken'],
    [Number.POSITIVE_INFINITY, 'video_file_broken'],
    [9_223_372_036, 'video_file_broken'],
    [3.9, 'video_duration_too_short'],
    [3.94, 'video_duration_too_short'],
    [4 - 0.05, 'accepted'],
    [3.96, 'accepted'],
    [4, 'accepted'],
    [14_400.04, 'accepted'],
    [14_400 + 0.05, 'accepted'],
    [14_400.1, 'video_duration_too_long'],
    [29 * 86_400, 'video_duration_too_long'],
    [30 * 86_400, 'video_file_broken'],
  ];
  for (const [durationSec, code] of expected) assert.equal(codeOf({ ...VIDEO, durationSec }), code, `${durationSec}`);
  assert.throws(() => checkLimits({ ...VIDEO, durationSec: 2 }, video, LIMITS), /lasts 2 s; allowed are 4 s to 4 h/);
});

test('a picture has 360×360 to 5184×2160 pixels in either orientation, and an aspect ratio up to 2.4', () => {
  const expected: [number, number, string][] = [
    [360, 360, 'accepted'],
    [360, 640, 'accepted'],
    [5184, 2160, 'accepted'],
    [2160, 5184, 'accepted'],
    [1920, 798, 'accepted'],
    [5184, 2161, 'video_resolution_too_high'],
    [5185, 2160, 'video_resolution_too_high'],
    [358, 640, 'video_resolution_too_low'],
    [640, 359, 'video_resolution_too_low'],
    [5186, 2160, 'video_resolution_too_high'],
    [2880, 2200, 'video_resolution_too_high'],
    [2560, 1040, 'video_resolution_invalid_aspect_ratio'],
    [400, 1000, 'video_resolution_invalid_aspect_ratio'],
  ];
  for (const [width, height, code] of expected) assert.equal(codeOf(sized(width, height)), code, `${width}×${height}`);
});

test('the maximum size depends on the input type', () => {
  assert.equal(codeOf({ ...VIDEO, size: 4_000_000 }), 'accepted');
  assert.equal(codeOf({ ...VIDEO, size: 4_000_001 }), 'video_filesize_too_large');
  assert.equal(codeOf({ ...AUDIO, size: 2_000_001 }, audio), 'audio_filesize_too_large');
});

test('audio is uncompressed WAV, MP3 or FLAC, detected from the content', () => {
  const expected: [string, string, string][] = [
    ['wav', 'pcm_s16le', 'accepted'],
    ['wav', 'pcm_u8', 'accepted'],
    ['wav', 'pcm_f32le', 'accepted'],
    ['w64', 'pcm_s24le', 'accepted'],
    ['mp3', 'mp3', 'accepted'],
    ['flac', 'flac', 'accepted'],
    ['wav', 'pcm_mulaw', 'audio_format_unsupported'],
    ['wav', 'adpcm_ms', 'audio_format_unsupported'],
    ['wav', 'mp3', 'audio_format_unsupported'],
    ['ogg', 'vorbis', 'audio_format_unsupported'],
    ['ogg', 'flac', 'audio_format_unsupported'],
    ['mov,mp4,m4a,3gp,3g2,mj2', 'aac', 'audio_format_unsupported'],
  ];
  for (const [format, codec, code] of expected) assert.equal(codeOf(sound(format, codec), audio), code, codec);
});

test('each input type requires its kind of file, and the error names it', () => {
  assert.equal(codeOf(AUDIO, video), 'media_has_no_track');
  assert.throws(() => checkLimits(AUDIO, video, LIMITS), /only sound \(FLAC, flac\).*input_type "audio"/);
  assert.throws(
    () => checkLimits(VIDEO, audio, LIMITS),
    /a video in MP4;.*Use input_type "video".*ffmpeg -i IN -vn OUT\.flac/,
  );
});

test('a track that cannot be decoded is named with the reason', () => {
  const { video: _video, audio: _audio, ...neither } = VIDEO;
  const encrypted = { type: 'video', codec: 'h264', isEncrypted: true } as const;
  const unknown = { type: 'audio', codec: 'xyz1', isEncrypted: false } as const;
  const media = { ...neither, unreadable: [encrypted, unknown] };
  assert.throws(() => checkLimits(media, video, LIMITS), {
    code: 'media_has_no_track',
    message: /^The file cannot be decoded: the pictures are encrypted \(h264\)\. .*without DRM/,
  });
  assert.throws(() => checkLimits(media, audio, LIMITS), {
    code: 'media_has_no_track',
    message: /^The file cannot be decoded: the sound is in a codec without a decoder \(xyz1\)\. /,
  });
  assert.equal(codeOf({ ...VIDEO, unreadable: [unknown] }), 'accepted');
});

test('other audio is refused with the formats and a command', () => {
  const m4a = sound('mov,mp4,m4a,3gp,3g2,mj2', 'aac');
  const message =
    /^The file is MP4 with aac; audio may be WAV \(uncompressed\), MP3 or FLAC\. .*ffmpeg -i IN -vn OUT\.flac$/;
  assert.throws(() => checkLimits(m4a, audio, LIMITS), { code: 'audio_format_unsupported', message });
  assert.throws(() => checkLimits(m4a, video, LIMITS), /only sound \(MP4, aac\).*ffmpeg -i IN -vn OUT\.flac$/);
});

test('a picture track of unknown size is refused as undecodable', () => {
  const message = /picture track holds nothing that can be decoded \(h264\)/;
  for (const [width, height] of [
    [0, 0],
    [0, 640],
    [640, 0],
  ] as const) {
    assert.throws(() => checkLimits(sized(width, height), video, LIMITS), { code: 'video_file_broken', message });
  }
  assert.equal(codeOf(sized(1, 1)), 'video_resolution_too_low');
});

test('the message names the format that was found', () => {
  const { video: _video, audio: _audio, ...neither } = VIDEO;
  const matroska = { ...neither, format: 'matroska,webm' };
  assert.throws(() => checkLimits(matroska, audio, LIMITS), {
    message: /^The file is Matroska or WebM with no sound; audio may be/,
    details: { format: 'matroska,webm', codec: '', allowed: ['wav', 'mp3', 'flac'] },
  });
  assert.throws(() => checkLimits(matroska, video, LIMITS), /neither pictures nor sound \(Matroska or WebM\)/);
  assert.throws(() => checkLimits(sound('ogg', 'vorbis'), audio, LIMITS), {
    message: /^The file is OGG with vorbis; .* FLAC\. Convert it: ffmpeg/,
    details: { format: 'ogg', codec: 'vorbis', allowed: ['wav', 'mp3', 'flac'] },
  });
  assert.throws(() => checkLimits(AUDIO, video, LIMITS), /For sound alone use input_type "audio"\.$/);
  const image = { format: 'png', width: 640, height: 480 } as NonNullable<MediaInfo['image']>;
  assert.throws(() => checkLimits({ ...neither, mimeType: 'image/png', image }, video, LIMITS), {
    code: 'media_has_no_track',
    message: /an image \(image\/png, 640×480\); input_type "video" needs video\..*input_type "image"/,
  });
});

test('errors about size, duration or picture have their numbers in the details', () => {
  const detailsOf = (media: MediaInfo, duration?: { minSec: number; maxSec: number }) => {
    try {
      checkLimits(media, video, LIMITS, duration);
    } catch (error) {
      assert.ok(isReelvecError(error));
      return { message: error.message, details: error.details };
    }
    return assert.fail('was accepted');
  };
  const large = detailsOf({ ...VIDEO, size: 4_404_020 });
  assert.deepEqual(large.details, { bytes: 4_404_020, allowed: 4_000_000 });
  assert.match(large.message, /has 4\.2 MB; video may have 3\.81 MB/);
  assert.match(detailsOf({ ...VIDEO, size: 20.4 * 1024 ** 2 }).message, /has 20 MB;/);
  const long = detailsOf({ ...VIDEO, durationSec: 14_500.128 });
  assert.deepEqual(long.details, { duration_sec: 14_500.128, min_sec: 4, max_sec: 14_400 });
  assert.match(long.message, /lasts 14500\.13 s; allowed are 4 s to 4 h\. Cut it/);
  assert.match(
    detailsOf({ ...VIDEO, durationSec: 99 }, { minSec: 0, maxSec: 90 }).message,
    /allowed are at most 1\.5 min/,
  );
  assert.match(detailsOf({ ...VIDEO, durationSec: 9999 }, { minSec: 0, maxSec: 3600 }).message, /at most 1 h/);
  assert.deepEqual(detailsOf(sized(320, 640)).details, { width: 320, height: 640 });
  assert.deepEqual(detailsOf(sized(6000, 3000)).details, { width: 6000, height: 3000 });
  const wide = detailsOf(sized(2000, 800));
  assert.deepEqual(wide.details, { width: 2000, height: 800, aspect: 2.5 });
  assert.match(wide.message, /an aspect ratio of 2\.50:1; allowed are 1:2\.4 to 2\.4:1/);
});
