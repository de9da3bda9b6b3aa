import type { Config } from '../config.ts';
import type { InputType } from '../domain/media-kind.ts';
import type { TimeRange } from '../domain/time-range.ts';
import { ReelvecError } from '../errors.ts';
import type { MediaInfo, VideoTrack } from '../media/info.ts';
import { undecodable } from '../media/unreadable-track.ts';
import type { TaskRequest } from './request.ts';

export type Limits = Pick<Config, 'maxVideoBytes' | 'maxAudioBytes'>;

/** Allowed duration of a task's media. Seconds. */
export const TASK_DURATION = { minSec: 4, maxSec: 4 * 3600 };
/** Tolerance for rounding in containers: a file cut to four seconds often reports 3.97. Seconds. */
const DURATION_TOLERANCE_SEC = 0.05;
/** Duration above which timestamps are treated as broken. Seconds. */
const MAX_CREDIBLE_SEC = 30 * 86_400;
/** Minimum width and height. Pixels. */
const MIN_SIDE_PX = 360;
/** Maximum of the longer side, in either orientation. Pixels. */
const MAX_LONG_SIDE_PX = 5184;
/** Maximum of the shorter side, in either orientation. Pixels. */
const MAX_SHORT_SIDE_PX = 2160;
/** Maximum ratio of the longer to the shorter side. */
const MAX_ASPECT = 2.4;
/**
 * Relative tolerance of the aspect ratio. Sizes are whole, mostly even numbers: 1728×720 is 2.4, and 1920×798 is meant
 * to be.
 */
const ASPECT_TOLERANCE = 0.005;
const MEGABYTE = 1024 ** 2;

/**
 * Checks media against the limits of a task. Pure function: the source is checked on creation of the task if it is
 * available, and again once fetched.
 * The duration limits apply to the file. A selected range may be of any length above zero; its end is clamped to the
 * end of the file. The maximum picture size applies in either orientation, 5184×2160 or 2160×5184.
 * @returns the range to process
 * @throws {ReelvecError} that names the rule, the value found and the allowed values
 */
export function checkLimits(
  media: MediaInfo,
  request: Pick<TaskRequest, 'inputType' | 'startSec' | 'endSec'>,
  limits: Limits,
  duration = TASK_DURATION,
): TimeRange {
  const { inputType } = request;
  if (inputType === 'image') throw new Error('checkLimits: an image is embedded before its task exists');
  if (media.image) throw isImage(media, inputType);
  checkSize(media.size, inputType, limits);
  if (inputType === 'audio') checkAudioFormat(media);
  else if (!media.video) throw noPicture(media);
  checkDuration(media.durationSec, inputType, duration);
  if (inputType === 'video') checkPicture(media.video!);
  return selectRange(media.durationSec, request);
}

function checkSize(size: number, inputType: InputType, { maxVideoBytes, maxAudioBytes }: Limits): void {
  const allowed = inputType === 'audio' ? maxAudioBytes : maxVideoBytes;
  if (size <= allowed) return;
  throw new ReelvecError(
    `${inputType}_filesize_too_large`,
    `The file has ${megabytes(size)}; ${inputType} may have ${megabytes(allowed)}. Encode it smaller, or cut it into parts.`,
    { details: { bytes: size, allowed } },
  );
}

/** Requires WAV (uncompressed), MP3 or FLAC, detected from the content. */
function checkAudioFormat(media: MediaInfo): void {
  if (isAudioFormat(media)) return;
  const { format, audio, video } = media;
  const lost = media.unreadable?.find(({ type }) => type === 'audio');
  if (!audio && lost) throw undecodable(lost);
  const found = video ? `a video in ${formatName(media)}` : `${formatName(media)} with ${audio?.codec ?? 'no sound'}`;
  const advice = video
    ? 'Use input_type "video" for it, or convert its sound: ffmpeg -i IN -vn OUT.flac'
    : 'Convert it: ffmpeg -i IN -vn OUT.flac';
  throw new ReelvecError(
    'audio_format_unsupported',
    `The file is ${found}; audio may be WAV (uncompressed), MP3 or FLAC. ${advice}`,
    { details: { format, codec: audio?.codec ?? '', allowed: ['wav', 'mp3', 'flac'] } },
  );
}

function isAudioFormat({ format, audio }: MediaInfo): boolean {
  const codec = audio?.codec ?? '';
  const isWav = /^(wav|w64|rf64)$/.test(format) && /^pcm_[suf]\d/.test(codec);
  return isWav || (format === 'mp3' && /^mp3/.test(codec)) || (format === 'flac' && codec === 'flac');
}

function isImage({ image, mimeType }: MediaInfo, inputType: string): ReelvecError {
  const message = `The file is an image (${mimeType}, ${image?.width}×${image?.height}); input_type "${inputType}" needs ${inputType}.`;
  return new ReelvecError('media_has_no_track', `${message} Images go with POST /embed-v2 and input_type "image".`);
}

function noPicture(media: MediaInfo): ReelvecError {
  const lost = media.unreadable?.find(({ type }) => type === 'video');
  if (lost) return undecodable(lost);
  const found = media.audio
    ? `only sound (${formatName(media)}, ${media.audio.codec})`
    : `neither pictures nor sound (${formatName(media)})`;
  const convert = isAudioFormat(media) ? '.' : ', converted to one of its formats: ffmpeg -i IN -vn OUT.flac';
  return new ReelvecError(
    'media_has_no_track',
    `The file has no video track, ${found}; input_type "video" needs one. For sound alone use input_type "audio"${convert}`,
  );
}

/** Short human-readable name for FFmpeg's container name. */
function formatName({ format }: MediaInfo): string {
  if (format.includes('mp4')) return 'MP4';
  return format.includes('webm') ? 'Matroska or WebM' : format.toUpperCase();
}

function checkDuration(durationSec: number, inputType: InputType, { minSec, maxSec }: typeof TASK_DURATION): void {
  if (!(durationSec > 0 && durationSec < MAX_CREDIBLE_SEC)) {
    throw new ReelvecError(
      `${inputType}_file_broken`,
      'The duration of the media is not known: its header and its timestamps are missing or wrong. ' +
        'Write them anew and send that: ffmpeg -i IN -c copy OUT.mkv',
    );
  }
  const most = maxSec >= 3600 ? `${maxSec / 3600} h` : maxSec >= 60 ? `${maxSec / 60} min` : `${maxSec} s`;
  const allowed = minSec > 0 ? `${minSec} s to ${most}` : `at most ${most}`;
  const found = `The media lasts ${seconds(durationSec)}; allowed are ${allowed}.`;
  const details = { duration_sec: durationSec, min_sec: minSec, max_sec: maxSec };
  if (durationSec < minSec - DURATION_TOLERANCE_SEC) {
    throw new ReelvecError(`${inputType}_duration_too_short`, found, { details });
  }
  if (durationSec > maxSec + DURATION_TOLERANCE_SEC) {
    throw new ReelvecError(`${inputType}_duration_too_long`, `${found} Cut it into parts.`, { details });
  }
}

/** Checks the displayed picture: upright, with square pixels. */
function checkPicture({ width, height, codec }: VideoTrack): void {
  if (!(width > 0 && height > 0)) {
    throw new ReelvecError(
      'video_file_broken',
      `The picture track holds nothing that can be decoded (${codec}), so not even its size is known. ` +
        'Check that the file plays in a media player and send the whole file.',
    );
  }
  const shown = `The picture is shown at ${width}×${height} pixels`;
  const details = { width, height };
  if (Math.min(width, height) < MIN_SIDE_PX) {
    throw new ReelvecError(
      'video_resolution_too_low',
      `${shown}; both sides must have at least ${MIN_SIDE_PX}. Scale it up, or use a better copy.`,
      { details },
    );
  }
  if (Math.max(width, height) > MAX_LONG_SIDE_PX || Math.min(width, height) > MAX_SHORT_SIDE_PX) {
    throw new ReelvecError(
      'video_resolution_too_high',
      `${shown}; allowed are ${MAX_LONG_SIDE_PX}×${MAX_SHORT_SIDE_PX}, or the same upright. Scale it down.`,
      { details },
    );
  }
  const aspect = width / height;
  if (Math.max(aspect, 1 / aspect) > MAX_ASPECT * (1 + ASPECT_TOLERANCE)) {
    throw new ReelvecError(
      'video_resolution_invalid_aspect_ratio',
      `${shown}, an aspect ratio of ${aspect.toFixed(2)}:1; allowed are 1:${MAX_ASPECT} to ${MAX_ASPECT}:1. Crop it, or add borders.`,
      { details: { ...details, aspect } },
    );
  }
}

function selectRange(
  durationSec: number,
  { inputType, startSec, endSec }: Pick<TaskRequest, 'inputType' | 'startSec' | 'endSec'>,
): TimeRange {
  if (startSec >= durationSec) {
    throw new ReelvecError(
      'parameter_invalid',
      `${inputType}.start_sec is ${startSec}, but the media lasts ${seconds(durationSec)}. Start before its end.`,
      { details: { field: `${inputType}.start_sec`, value: startSec, duration_sec: durationSec } },
    );
  }
  return { startSec, endSec: Math.min(endSec ?? durationSec, durationSec) };
}

function seconds(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}

function megabytes(bytes: number): string {
  return `${Number((bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 2 : 0))} MB`;
}
