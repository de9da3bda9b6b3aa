/**
 * The closed list of what can go wrong for a client, and the HTTP status of each.
 * Codes are the lower_snake vocabulary of the TwelveLabs v1.3 API plus a few of our own.
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

/** Facts beside the sentence, for programs: the field, what was got, what is allowed. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

/**
 * The one error that is meant for clients. `message` names the field, what was got, what is allowed and what to do
 * next; `cause` is for the log and never sent.
 */
export class ReelvecError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: ErrorDetails | undefined;
  /** When to try again, where the client was only too early; seconds. */
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

/** What the media of a request is, as far as codes tell it apart. */
export type MediaKind = 'video' | 'audio' | 'image';

/**
 * The same error with the code of the kind of media that was asked for: `video_file_broken` becomes
 * `audio_file_broken`. What reads a file does not know what it was sent as.
 */
export function ofKind(error: unknown, kind: MediaKind): unknown {
  if (!isReelvecError(error)) return error;
  const code = error.code.replace(/^video_/, `${kind}_`);
  if (code === error.code || !(code in STATUS)) return error;
  const { message, details, cause, status } = error;
  return new ReelvecError(code as ErrorCode, message, { details, cause, status });
}

/** The same error, and if it is a bad request, which parameter it is about: in the sentence and in the details. */
export function aboutField(error: unknown, field: string): unknown {
  if (!isReelvecError(error) || error.status !== 400 || error.details?.['field'] !== undefined) return error;
  const { code, status, cause } = error;
  const message = error.message.includes(field) ? error.message : `${field}: ${error.message}`;
  return new ReelvecError(code, message, { status, cause, details: { field, ...error.details } });
}
