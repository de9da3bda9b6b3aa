import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { BlobStore } from '../blobs/store.ts';
import { ReelvecError } from '../errors.ts';
import type { AllowList } from '../http/addresses.ts';
import { guardedConnector, type Resolve } from '../http/connect.ts';
import { download, startOver } from '../http/download.ts';
import { HttpFailure, toHttpFailure } from '../http/failure.ts';
import type { Answer } from '../http/get.ts';
import { contentAt, contentLength, rangeHeaders } from '../http/range.ts';
import { refuseTooLarge, type SourceName, unreachable } from './failures.ts';
import { requestSource } from './request.ts';
import { HEAD_BYTES } from './sniff.ts';

/** Timeout from the first byte to the end of the first 64 KB. Short, since a client waits for the check. */
const HEAD_REST_TIMEOUT_MS = 10_000;
/** Maximum attempts of a check. */
const MAX_CHECK_ATTEMPTS = 2;
/** Maximum consecutive failures of a download. An attempt that receives `PROGRESS_BYTES` restarts the count. */
const MAX_DOWNLOAD_FAILURES = 5;
/** Bytes of one attempt that count as progress. */
const PROGRESS_BYTES = 1024 * 1024;
/** Statuses of a URL that is not or no longer accessible. */
const REFUSAL_STATUSES = [401, 403, 404, 410];
/** Advice for a download that is refused after a successful check. */
const ADVICE_READ_BEFORE =
  'A moment ago it could be read: the link may work only once, or have expired since. Give one that holds, or upload the file as an asset.';

/** Timeouts of source requests, in milliseconds. */
interface Timeouts {
  /** For name resolution, connecting and the TLS handshake. */
  readonly connectMs: number;
  /** From the request to the end of the response headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
  /** For a check, from its start to the first byte of the content, over all redirects and attempts. */
  readonly firstByteMs: number;
}

const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000, firstByteMs: 10_000 };
/** Default delay before the second attempt, in milliseconds. */
const RETRY_DELAY_MS = 500;

export interface UrlGuardOptions {
  /** Private hosts that may be reached: `parseAllowList` of `REELVEC_URL_ALLOW`. */
  readonly allow: AllowList;
  readonly timeouts?: Partial<Timeouts>;
  /** Delay before the second attempt, in milliseconds; doubles with each further one. Default: 500. */
  readonly retryDelayMs?: number;
  /** Resolver of host names. Default: the operating system's. */
  readonly resolve?: Resolve;
}

/** Options of `check` and `fetchToBlob`. */
interface ReadOptions {
  /** Maximum size. More is `video_filesize_too_large`, whatever size the host declares. */
  readonly maxBytes: number;
  /** Path of the parameter, for errors. */
  readonly field?: string;
  readonly signal?: AbortSignal;
}

/** Start of a URL's content. */
export interface UrlHead {
  /** The first 64 KB, or the whole content if it is shorter. */
  readonly head: Uint8Array;
  /** Size in bytes as declared by the host; not verified. */
  readonly size?: number;
  /** `Content-Type` as declared by the host; not verified. */
  readonly contentType?: string;
}

/**
 * Reads source URLs with protection against server-side request forgery. Errors name the host only, not the path. It has
 * its own connection pool: close it after use.
 */
export class UrlGuard {
  readonly #agent: Agent;
  readonly #firstByteMs: number;
  readonly #retryDelayMs: number;

  constructor({ allow, timeouts, retryDelayMs = RETRY_DELAY_MS, resolve }: UrlGuardOptions) {
    const { connectMs, headersMs, idleMs, firstByteMs } = { ...DEFAULT_TIMEOUTS, ...timeouts };
    const connect = guardedConnector({ allow, timeoutMs: connectMs, resolve });
    this.#agent = new Agent({ connect, headersTimeout: headersMs, bodyTimeout: idleMs, allowH2: false });
    this.#firstByteMs = firstByteMs;
    this.#retryDelayMs = retryDelayMs;
  }

  /**
   * Reads the first bytes of a URL and closes the connection.
   * @throws {ReelvecError} `source_unreachable` or `video_filesize_too_large`
   */
  async check(url: URL, { maxBytes, field, signal }: ReadOptions): Promise<UrlHead> {
    const source = { host: url.host, field, maxBytes };
    using budget = new FirstByteBudget(this.#firstByteMs, signal);
    let last: HttpFailure | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        if (last) await sleep(this.#retryDelayMs, undefined, { signal: budget.signal });
        return await this.#head(url, source, budget);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ReelvecError) throw error;
        if (budget.isSpent) throw unreachable(source, last ?? budget.failure);
        last = toHttpFailure(error);
        if (!last.isRetryable || attempt === MAX_CHECK_ATTEMPTS) throw unreachable(source, last);
      }
    }
  }

  /**
   * Downloads a URL into a blob, completely or not at all. A failed transfer resumes or starts over.
   * @param options.wasRead true if a check has read the URL, for errors
   * @param options.onProgress receives the bytes so far, which drop to 0 when the transfer starts over
   * @throws {ReelvecError} `source_unreachable` after the last attempt, or `video_filesize_too_large`
   */
  async fetchToBlob(
    store: BlobStore,
    key: string,
    url: URL,
    options: ReadOptions & { wasRead?: boolean; onProgress?: (bytes: number) => void },
  ): Promise<{ size: number; sha256?: string }> {
    const { maxBytes, field, signal, wasRead, onProgress } = options;
    const source = { host: url.host, field, maxBytes };
    const retryDelayMs = this.#retryDelayMs;
    const open = async (at: number, version?: string) => {
      const headers = rangeHeaders(at, version);
      return contentAt(await requestSource(this.#agent, url, { headers, signal }), at, version);
    };
    const content = () =>
      download(open, {
        onProgress: (at, end = 0) => {
          refuseTooLarge(Math.max(at, end), source);
          onProgress?.(at);
        },
        maxFailures: MAX_DOWNLOAD_FAILURES,
        retryDelayMs,
        progressBytes: PROGRESS_BYTES,
        signal,
      });
    const write = () => store.write(key, content(), { signal });
    try {
      return await startOver(write, { retryDelayMs: 2 * retryDelayMs, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof HttpFailure)) throw error;
      const isUsedUp = wasRead && REFUSAL_STATUSES.includes(error.status ?? 0);
      throw unreachable(source, error, isUsedUp ? ADVICE_READ_BEFORE : undefined);
    }
  }

  /** Aborts the requests that are still running. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #head(url: URL, source: SourceName & { maxBytes: number }, budget: FirstByteBudget): Promise<UrlHead> {
    using answer = await requestSource(this.#agent, url, { signal: budget.signal });
    const size = contentLength(answer);
    refuseTooLarge(size ?? 0, source);
    return { head: await readHead(answer, budget), size, contentType: answer.header('content-type') };
  }
}

/** Timeout of a check until the first byte of the content; disposal stops it. */
class FirstByteBudget implements Disposable {
  readonly signal: AbortSignal;
  readonly failure: HttpFailure;
  readonly #spent = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.failure = new HttpFailure(`it sent nothing within ${ms / 1000} s`, { isRetryable: false });
    this.#timer = setTimeout(() => this.#spent.abort(this.failure), ms);
    this.signal = signal ? AbortSignal.any([signal, this.#spent.signal]) : this.#spent.signal;
  }

  get isSpent(): boolean {
    return this.#spent.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

async function readHead({ body }: Answer, budget: FirstByteBudget): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const tooSlow = new HttpFailure('its first bytes took too long', { isRetryable: false });
  let deadline: NodeJS.Timeout | undefined;
  try {
    for await (const bytes of body as AsyncIterable<Uint8Array>) {
      budget[Symbol.dispose]();
      deadline ??= setTimeout(() => body.destroy(tooSlow), HEAD_REST_TIMEOUT_MS);
      chunks.push(bytes);
      size += bytes.length;
      if (size >= HEAD_BYTES) break;
    }
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}
