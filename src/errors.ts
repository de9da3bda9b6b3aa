import type { MediaKind } from './domain/media-kind.ts';

/**
 * All client-facing error codes with their HTTP status. The codes are those of the TwelveLabs v1.3 API plus a few of
 * reelvec.
 */
const STATUS = {
  parameter_invalid: 400,
  parameter_not_provided: 400,
  parameter_unknown: 400,
  source_unreachable: 400,
  source_not_media: 400,
  asset_not_ready: 400,
  upload_not_active: 400,
  video_resolution_too_low: 400,
  video_resolution_too_high: 400,
  video_resolution_invalid_aspect_ratio: 400,
  video_duration_too_short: 400,
  video_duration_too_long: 400,
  video_file_broken: 400,
  video_filesize_too_large: 400,
  audio_duration_too_short: 400,
  audio_duration_too_long: 400,
  audio_file_broken: 400,
  audio_filesize_too_large: 400,
  image_resolution_too_low: 400,
  image_resolution_too_high: 400,
  image_file_broken: 400,
  image_filesize_too_large: 400,
  audio_format_unsupported: 400,
  media_has_no_track: 400,
  api_key_invalid: 401,
  forbidden: 403,
  usage_limit_exceeded: 403,
  resource_not_exist: 404,
  method_not_allowed: 405,
  request_canceled_or_timed_out: 408,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  too_many_requests: 429,
  internal_server_error: 500,
  service_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** Machine-readable facts of an error: the field, the value received, the values allowed. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

/**
 * Error that is sent to the client. `message` names the field, the value received, the values allowed and the next
 * step. `cause` is logged and never sent.
 */
export class ReelvecError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: ErrorDetails | undefined;
  /** Seconds until a retry can succeed, for the `Retry-After` header. */
  readonly retryAfterSec: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown; status?: number; retryAfterSec?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ReelvecError';
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.details = options.details;
    this.retryAfterSec = options.retryAfterSec;
  }
}

export function isReelvecError(error: unknown): error is ReelvecError {
  return error instanceof ReelvecError;
}

/**
 * Maps a `video_` error code to the media kind of the request: `video_file_broken` becomes `audio_file_broken`. The
 * media reader does not know the kind under which a file was sent. Other errors are returned unchanged.
 */
export function ofKind(error: unknown, kind: MediaKind): unknown {
  if (!isReelvecError(error)) return error;
  const code = error.code.replace(/^video_/, `${kind}_`);
  if (code === error.code || !(code in STATUS)) return error;
  const { message, details, cause, status } = error;
  return new ReelvecError(code as ErrorCode, message, { details, cause, status });
}

/** Adds the parameter name to the message and details of a 400 error. Other errors are returned unchanged. */
export function aboutField(error: unknown, field: string): unknown {
  if (!isReelvecError(error) || error.status !== 400 || error.details?.['field'] !== undefined) return error;
  const { code, status, cause } = error;
  const message = error.message.includes(field) ? error.message : `${field}: ${error.message}`;
  return new ReelvecError(code, message, { status, cause, details: { field, ...error.details } });
}

/** Replaces parameter names in the message and details of an error. @param names new names by old names */
export function withFieldNames(error: unknown, names: Readonly<Record<string, string>>): unknown {
  if (!isReelvecError(error)) return error;
  const { code, status, cause, retryAfterSec } = error;
  // Longest first, because one name may be the beginning of another.
  const old = Object.keys(names).toSorted((a, b) => b.length - a.length);
  const rename = (text: string) => old.reduce((renamed, name) => renamed.replaceAll(name, names[name]!), text);
  const field = error.details?.['field'];
  const details = { ...error.details, ...(typeof field === 'string' && { field: rename(field) }) };
  return new ReelvecError(code, rename(error.message), {
    status,
    cause,
    retryAfterSec,
    details: error.details && details,
  });
}
