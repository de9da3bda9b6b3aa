import { type ErrorDetails, ReelvecError } from '../errors.ts';
import type { HttpFailure } from '../http/failure.ts';

/** Identifies a source in errors. */
export interface SourceName {
  /** Host of the URL. */
  readonly host: string;
  /** Path of the request parameter with the URL. */
  readonly field?: string;
}

/**
 * Error for clients: the host and the reason. It omits the URL's path and query, which may contain a signature.
 * @param advice a further sentence
 */
export function unreachable(source: SourceName, failure: HttpFailure, advice = ''): ReelvecError {
  const message = `The source at ${source.host} could not be read: ${failure.message}.${advice && ` ${advice}`}`;
  return new ReelvecError('source_unreachable', message, { details: detailsOf(source), cause: failure });
}

/** @throws {ReelvecError} `video_filesize_too_large` above `maxBytes` */
export function refuseTooLarge(bytes: number, { maxBytes, ...source }: SourceName & { maxBytes: number }): void {
  if (bytes <= maxBytes) return;
  throw new ReelvecError(
    'video_filesize_too_large',
    `The source at ${source.host} is larger than the ${maxBytes} bytes that are allowed.`,
    { details: { ...detailsOf(source), max_bytes: maxBytes } },
  );
}

/** Error details of a source: its host, and the field if known. */
function detailsOf({ host, field }: SourceName): ErrorDetails {
  return { ...(field !== undefined && { field }), host };
}
