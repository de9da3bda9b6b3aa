import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIDEO } from '../../../test/support/media-info.ts';
import type { Asset } from '../../assets/repository.ts';
import type { MediaDetails, MediaInfo } from '../../media/info.ts';
import { assetDetailOf } from './represent.ts';
import { retrievedAsset } from './schemas.ts';

const ASSET: Asset = {
  id: 'a1',
  owner: 'me',
  method: 'direct',
  status: 'ready',
  filename: 'film.mp4',
  fileType: 'video/mp4',
  createdAt: '2026-01-01T00:00:00.000Z',
} as Asset;

const DETAILS: MediaDetails = {
  createdAt: '2025-05-01T10:00:00Z',
  timecode: '01:00:00;02',
  location: { latitude: 52.5, longitude: 13.4, altitude: 34 },
  video: [
    { index: 3, codec: 'mjpeg', width: 10, height: 10, rotation: 0, isHdr: false },
    {
      index: 0,
      codec: 'h264',
      width: 640,
      height: 360,
      frameRate: 25,
      durationSec: 20.4,
      bitRate: 300_000,
      rotation: 90,
      pixelFormat: 'yuv420p10le',
      isHdr: true,
    },
  ],
  audio: [
    { index: 2, codec: 'ac3', sampleRate: 32_000, channels: 6 },
    {
      index: 1,
      codec: 'aac',
      sampleRate: 48_000,
      channels: 2,
      durationSec: 20.5,
      bitRate: 96_000,
      language: 'deu',
    },
  ],
};

function detailsOf(media: MediaInfo | undefined, more: Partial<Asset> = {}) {
  const body = assetDetailOf({ ...ASSET, ...(media && { media }), ...more }, (id) => `https://host/${id}`);
  return retrievedAsset.strict().parse(JSON.parse(JSON.stringify(body)));
}

test('a film tells the facts of its container, of the tracks that are read, and of all tracks', () => {
  const { technical_metadata: facts, size, duration } = detailsOf({ ...VIDEO, details: DETAILS });
  assert.deepEqual([size, duration], [1_000_000, 20.5]);
  assert.deepEqual(facts, {
    file_size_bytes: 1_000_000,
    file_mime_type: 'video/mp4',
    file_container_format: 'mov,mp4,m4a,3gp,3g2,mj2',
    container_creation_time: '2025-05-01T10:00:00Z',
    has_audio: true,
    total_video_streams: 1,
    total_audio_streams: 1,
    video_codec: 'h264',
    video_width: 640,
    video_height: 360,
    video_fps: 25,
    video_duration_seconds: 20.4,
    video_bitrate_bps: 300_000,
    storage_aspect_ratio: 640 / 360,
    is_hdr: true,
    audio_codec: 'aac',
    audio_sample_rate: 48_000,
    audio_channels: 2,
    audio_duration_seconds: 20.5,
    start_timecode: '01:00:00;02',
    drop_frame: true,
    geospatial_latitude: 52.5,
    geospatial_longitude: 13.4,
    geospatial_altitude_meters: 34,
    video_streams: [
      { index: 3, codec: 'mjpeg', width: 10, height: 10, rotation: 0 },
      {
        index: 0,
        codec: 'h264',
        width: 640,
        height: 360,
        avg_fps: 25,
        duration_seconds: 20.4,
        bitrate_bps: 300_000,
        rotation: 90,
        pixel_format: 'yuv420p10le',
      },
    ],
    audio_streams: [
      { index: 2, codec: 'ac3', sample_rate: 32_000, channels: 6 },
      {
        index: 1,
        codec: 'aac',
        sample_rate: 48_000,
        channels: 2,
        duration_seconds: 20.5,
        bitrate_bps: 96_000,
        language: 'deu',
      },
    ],
  });
});

test('what a file does not state is left out', () => {
  const bare = { ...VIDEO, video: { ...VIDEO.video!, width: 0, height: 0, frameRate: 0 } };
  const facts = detailsOf(bare).technical_metadata!;
  for (const name of ['video_width', 'video_height', 'video_fps', 'is_hdr', 'video_streams', 'start_timecode']) {
    assert.ok(!(name in facts), name);
  }
  assert.equal(facts.video_codec, 'h264');
  const silent = detailsOf({
    ...VIDEO,
    audio: undefined,
    trackCounts: { video: 1, audio: 0, subtitles: 0 },
  } as MediaInfo);
  assert.equal(silent.technical_metadata!.has_audio, false);
  assert.ok(!('audio_codec' in silent.technical_metadata!));
  const { video: _, ...sound } = VIDEO;
  assert.ok(!('video_codec' in detailsOf(sound).technical_metadata!));
  const { timecode, location, ...plain } = DETAILS;
  const rest = detailsOf({ ...VIDEO, details: { ...plain, video: [], audio: [] } }).technical_metadata!;
  assert.ok(!('drop_frame' in rest) && !('geospatial_latitude' in rest) && !('is_hdr' in rest));
  const whole = detailsOf({ ...VIDEO, details: { ...DETAILS, timecode: '01:00:00:02' } }).technical_metadata!;
  assert.equal(whole.drop_frame, false);
});

test('an image tells its size in pixels and how it is stored', () => {
  const image = {
    format: 'jpeg',
    width: 30,
    height: 20,
    orientation: 6,
    colorSpace: 'srgb',
    bitDepth: 8,
    hasAlpha: false,
    isAnimated: false,
  } as const;
  const media = { ...VIDEO, format: 'jpeg', mimeType: 'image/jpeg', durationSec: 0, image };
  const { technical_metadata: facts, ...rest } = detailsOf(media);
  assert.ok(!('duration' in rest));
  assert.deepEqual(facts, {
    file_size_bytes: 1_000_000,
    file_mime_type: 'image/jpeg',
    file_container_format: 'jpeg',
    image_width: 30,
    image_height: 20,
    image_format: 'jpeg',
    image_orientation: 6,
    image_color_space: 'srgb',
    image_bit_depth: 8,
    has_alpha: false,
    is_animated: false,
  });
});

test('an asset without known media has no facts, and a damaged row leaves them out', () => {
  const unknown = detailsOf(undefined);
  assert.ok(!('size' in unknown) && !('duration' in unknown) && !('technical_metadata' in unknown));
  const damaged = detailsOf({ size: 7, durationSec: 1 } as MediaInfo);
  assert.deepEqual([damaged.size, damaged.technical_metadata], [7, undefined]);
});

test('a thumbnail that was asked for has its state, and a URL once it is ready', () => {
  assert.equal(detailsOf(VIDEO).thumbnail, undefined);
  assert.deepEqual(detailsOf(VIDEO, { thumbnail: 'pending' }).thumbnail, { status: 'pending' });
  const ready = detailsOf(VIDEO, { thumbnail: 'ready' }).thumbnail;
  assert.deepEqual(ready, { status: 'ready', representative_url: 'https://host/a1' });
  assert.deepEqual(detailsOf(VIDEO, { thumbnail: 'pending', status: 'failed' }).thumbnail, { status: 'error' });
});

test('every method and status of an asset, and why it has failed', () => {
  for (const method of ['direct', 'url', 'multipart'] as const)
    assert.equal(detailsOf(VIDEO, { method }).method, method);
  for (const status of ['processing', 'ready', 'failed'] as const)
    assert.equal(detailsOf(VIDEO, { status }).status, status);
  const failed = detailsOf(undefined, { status: 'failed', error: { code: 'video_file_broken', message: 'Broken.' } });
  assert.deepEqual(failed.error, { message: 'Broken.' });
  assert.deepEqual(detailsOf(VIDEO, { userMetadata: { take: 3 } }).user_metadata, { take: 3 });
});
