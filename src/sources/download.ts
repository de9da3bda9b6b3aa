import { setTimeout as sleep } from 'node:timers/promises';
import { ReelvecError } from '../errors.ts';
import { detailsOf, SourceFailure, type SourceName, toSourceFailure } from './failures.ts';
import type { SourceResponse } from './request.ts';

/** Maximum consecutive failures. An attempt that receives `RESET_PROGRESS_BYTES` restarts the count. */
const MAX_FAILURES = 5;
/** Bytes of one attempt that count as progress. */
const RESET_PROGRESS_BYTES = 1024 * 1024;
/** Minimum transfer rate, as bytes per period. Slower is a stall: a trickle could keep a download open for weeks. */
const MIN_RATE = { bytes: 64 * 1024, ms: 60_000 };

/** Error of a download that broke off and cannot resume: it must restart from the first byte. */
export class CannotResume extends SourceFailure {
  constructor(cause: SourceFailure) {
    super(cause.message, { isRetryable: true, cause });
    this.name = 'CannotResume';
  }
}

export interface DownloadOptions extends SourceName {
  /** Maximum size. More is `video_filesize_too_large`, whatever size the host declares. */
  readonly maxBytes: number;
  /** Delay after the first failure, in milliseconds; doubles with each consecutive failure. */
  readonly retryDelayMs: number;
  /** Receives the number of bytes so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Downloads a URL with retries. A transfer that breaks off or stalls resumes with a range request for the same version of
 * the content (RFC 9110, If-Range). Yields each byte once, in order.
 * @param request sends a GET with these headers
 * @throws {CannotResume} if the host cannot send the rest of the same version
 * @throws {SourceFailure} for a permanent failure, or too many in a row
 * @throws {ReelvecError} `video_filesize_too_large`
 */
export async function* download(
  request: (headers: Record<string, string>) => Promise<SourceResponse>,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  const { signal, onProgress } = options;
  let at = 0;
  let validator: string | undefined;
  let total: number | undefined;
  let failures = 0;
  for (;;) {
    const from = at;
    try {
      using answer = await request(at === 0 ? {} : { range: `bytes=${at}-`, 'if-range': validator ?? '' });
      if (at === 0) {
        validator = strongValidator(answer);
        total = contentLength(answer);
      } else if (!isContinuation(answer, { at, validator, total })) {
        throw new CannotResume(new SourceFailure('it broke off and cannot be resumed', { isRetryable: true }));
      }
      refuseTooLarge(total ?? 0, options);
      for await (const bytes of withStallCheck(answer)) {
        at += bytes.length;
        refuseTooLarge(at, options);
        onProgress?.(at);
        yield bytes;
      }
      if (total === undefined || at === total) return;
      throw new SourceFailure(`it ended after ${at} of ${total} bytes`, { isRetryable: true });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ReelvecError || error instanceof CannotResume) throw error;
      const failure = toSourceFailure(error);
      failures = at - from >= RESET_PROGRESS_BYTES ? 1 : failures + 1;
      if (!failure.isRetryable || failures === MAX_FAILURES) throw failure;
      if (at > 0 && validator === undefined) throw new CannotResume(failure);
      await sleep(options.retryDelayMs * 2 ** (failures - 1), undefined, { signal });
    }
  }
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

/** Value of `Content-Length`; undefined if it is absent or not a number. */
export function contentLength(answer: SourceResponse): number | undefined {
  const length = answer.header('content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** Body of a response. @throws {SourceFailure} below the minimum transfer rate */
async function* withStallCheck({ body }: SourceResponse): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let since = performance.now();
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    yield chunk;
    bytes += chunk.length;
    if (performance.now() - since < MIN_RATE.ms) continue;
    if (bytes < MIN_RATE.bytes) throw new SourceFailure('the transfer stalled', { isRetryable: true });
    since = performance.now();
    bytes = 0;
  }
}

/** Validator for If-Range: a strong ETag, or a modification time that counts as strong (RFC 9110, 8.8.2.2). */
function strongValidator(answer: SourceResponse): string | undefined {
  const etag = answer.header('etag');
  if (etag?.startsWith('"')) return etag;
  const modified = answer.header('last-modified');
  const age = Date.parse(answer.header('date') ?? '') - Date.parse(modified ?? '');
  return age >= 1000 ? modified : undefined;
}

/** True if the response to a range request is the rest of the same content. */
function isContinuation(answer: SourceResponse, known: { at: number; validator?: string; total?: number }): boolean {
  if (answer.status !== 206) return false;
  // A host without support for If-Range sends the range of the current version.
  const etag = answer.header('etag');
  if (etag !== undefined && known.validator?.startsWith('"') && etag !== known.validator) return false;
  const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
  if (Number(start) !== known.at) return false;
  const size = total === '*' ? Number(end) + 1 : Number(total);
  return known.total === undefined || size === known.total;
}
