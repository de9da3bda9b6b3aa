import { setTimeout as sleep } from 'node:timers/promises';
import { HttpFailure, toHttpFailure } from './failure.ts';

/** Upper bound of the exponential delay between attempts, in milliseconds. Applies to `Retry-After` too. */
const MAX_RETRY_DELAY_MS = 60_000;
/** Maximum number of times that a download which cannot resume starts from the first byte. */
const MAX_STARTS = 3;
/**
 * Minimum transfer rate, as bytes per period of waiting for them. Slower is a stall: a trickle could keep a download open
 * for weeks.
 */
const MIN_RATE = { bytes: 64 * 1024, ms: 60_000 };

/** Failure of a download that broke off and cannot resume: it must start again from the first byte. */
export class CannotResume extends HttpFailure {
  override name = 'CannotResume';

  constructor(reason = 'it broke off and cannot be resumed', cause?: unknown) {
    super(reason, { isRetryable: false, cause });
  }
}

/** Content from some byte on. Disposal discards what was not read. */
export interface Content extends Disposable {
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Offset of the end of the body, if it is known. */
  readonly end?: number | undefined;
  /** Identifies the content: only bytes of the same version continue a transfer that broke off. */
  readonly version?: string | undefined;
}

export interface DownloadOptions {
  /** Offset of the first byte. Default: 0. */
  readonly from?: number | undefined;
  /** Receives the offset reached and the end, if it is known: before the first byte, then after each piece. */
  readonly onProgress?: (at: number, end: number | undefined) => void;
  /** Maximum failures in a row. */
  readonly maxFailures: number;
  /** Delay after the first failure, in milliseconds; doubles with each further one in a row. */
  readonly retryDelayMs: number;
  /** Bytes of one attempt that count as progress and restart the count of failures. Default: 1. */
  readonly progressBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Downloads content, with retries that resume where the transfer stopped. Yields each byte once, in order, and never
 * mixes versions: content without a version does not resume. undici's interceptor for retries would resume it, and
 * counts all failures of a download rather than those in a row.
 * @param open opens the content at a byte, in the version of the bytes so far, if there are any. Errors other than a
 *   retryable `HttpFailure` end the download
 * @throws {CannotResume} if the rest of the same version cannot be had
 * @throws {HttpFailure} for a permanent failure, or too many in a row
 */
export async function* download(
  open: (at: number, version: string | undefined) => Promise<Content>,
  { from = 0, onProgress, maxFailures, retryDelayMs, progressBytes = 1, signal }: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  let at = from;
  let version: string | undefined;
  let end: number | undefined;
  for (let failures = 0; ; ) {
    const before = at;
    try {
      using content = await open(at, version);
      if (end !== undefined && end !== content.end) throw new CannotResume();
      ({ end, version } = content);
      onProgress?.(at, end);
      for await (const bytes of received(content.body)) {
        at += bytes.length;
        onProgress?.(at, end);
        yield bytes;
      }
      if (end === undefined || at === end) return;
      throw new HttpFailure(`it ended after ${at} of ${end} bytes`, { isRetryable: true });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof HttpFailure) || !error.isRetryable) throw error;
      if (at === end) return;
      failures = at - before >= progressBytes ? 1 : failures + 1;
      if (failures === maxFailures) throw error;
      if (at > from && version === undefined) throw new CannotResume(error.message, error);
      const delayMs = error.retryAfterMs ?? retryDelayMs * 2 ** (failures - 1);
      await sleep(Math.min(delayMs, MAX_RETRY_DELAY_MS), undefined, { signal });
    }
  }
}

/**
 * Repeats a download that cannot resume, from its first byte.
 * @param options.retryDelayMs delay before the second start, in milliseconds; doubles with each further one
 * @throws {CannotResume} after the last attempt
 */
export async function startOver<T>(
  run: () => Promise<T>,
  { retryDelayMs, signal }: { retryDelayMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  for (let start = 1; ; start++) {
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof CannotResume) || start === MAX_STARTS) throw error;
      await sleep(retryDelayMs * 2 ** (start - 1), undefined, { signal });
    }
  }
}

/** Yields a body. @throws {HttpFailure} if it breaks off, or below the minimum transfer rate */
async function* received(body: Content['body']): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let waitedMs = 0;
  let since = performance.now();
  try {
    for await (const piece of body) {
      bytes += piece.length;
      waitedMs += performance.now() - since;
      if (waitedMs >= MIN_RATE.ms) {
        if (bytes < MIN_RATE.bytes) throw new HttpFailure('the transfer stalled', { isRetryable: true });
        bytes = waitedMs = 0;
      }
      yield piece;
      since = performance.now();
    }
  } catch (error) {
    throw toHttpFailure(error);
  }
}
