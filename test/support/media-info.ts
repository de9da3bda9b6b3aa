import type { MediaInfo } from '../../src/media/info.ts';

/** Probe result of a video. */
export const VIDEO: MediaInfo = {
  format: 'mov,mp4,m4a,3gp,3g2,mj2',
  mimeType: 'video/mp4',
  size: 1_000_000,
  durationSec: 20.5,
  bitRate: 400_000,
  video: {
    index: 0,
    codec: 'h264',
    codedWidth: 640,
    codedHeight: 360,
    width: 640,
    height: 360,
    rotation: 0,
    frameRate: 25,
  },
  audio: { index: 1, codec: 'aac', sampleRate: 48_000, channels: 2 },
  trackCounts: { video: 1, audio: 1, subtitles: 0 },
};

/** Probe result of an audio file. */
export const AUDIO: MediaInfo = {
  format: 'flac',
  mimeType: 'audio/flac',
  size: 500_000,
  durationSec: 30,
  bitRate: 100_000,
  audio: { index: 0, codec: 'flac', sampleRate: 44_100, channels: 1 },
  trackCounts: { video: 0, audio: 1, subtitles: 0 },
};
