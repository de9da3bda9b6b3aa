import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { BlobStore } from '../blobs/store.ts';
import { ReelvecError } from '../errors.ts';
import type { AllowList } from './addresses.ts';
import { guardedConnector, type Resolve } from './connect.ts';
import { CannotResume, contentLength, download, refuseTooLarge } from './download.ts';
import { SourceFailure, type SourceName, toSourceFailure, unreachable } from './failures.ts';
import { get, type SourceResponse, sourceUrlProblem, type Timeouts } from './request.ts';
import { HEAD_BYTES } from './sniff.ts';

/** Timeout from the first byte to the end of the first 64 KB. Short, since a client waits for the check. */
const HEAD_REST_TIMEOUT_MS = 10_000;
/** Maximum attempts of a check. */
const MAX_CHECK_ATTEMPTS = 2;
/** Maximum number of times that a download which cannot resume starts from the first byte. */
const MAX_DOWNLOAD_STARTS = 3;

/** Timeouts of source requests. */
const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000, firstByteMs: 10_000 };

/** Advice for a download that is refused after a successful check. */
const ADVICE_READ_BEFORE =
  'A moment ago it could be read: the link may work only once, or have expired since. Give one that holds, or upload the file as an asset.';

export interface UrlGuardOptions {
  /** Private hosts that may be reached: `parseAllowList` of `REELVEC_URL_ALLOW`. */
  readonly allow: AllowList;
  readonly timeouts?: Partial<Timeouts>;
  /** Delay before the second attempt, in milliseconds; doubles with each further one. Default: 500. */
  readonly retryDelayMs?: number;
  /** Resolver of host names. Default: the operating system's. */
  readonly resolve?: Resolve;
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

/** Reads source URLs with protection against server-side request forgery. Errors name the host only, not the path. */
export interface UrlGuard {
  /**
   * Reads the first bytes of a URL and closes the connection.
   * @throws {ReelvecError} `source_unreachable` or `video_filesize_too_large`
   */
  check(url: URL, options: { maxBytes: number; field?: string; signal?: AbortSignal }): Promise<UrlHead>;
  /**
   * Downloads a URL into a blob, completely or not at all. A failed transfer resumes or starts over.
   * @param options.field path of the parameter, for errors
   * @param options.wasRead true if a check has read the URL, for errors
   * @param options.onProgress receives the bytes so far, which drop to 0 when the transfer starts over
   * @throws {ReelvecError} `source_unreachable` after the last attempt, or `video_filesize_too_large`
   */
  fetchToBlob(
    store: BlobStore,
    key: string,
    url: URL,
    options: {
      maxBytes: number;
      field?: string;
      wasRead?: boolean;
      onProgress?: (bytes: number) => void;
      signal?: AbortSignal;
    },
  ): Promise<{ size: number; sha256?: string }>;
  /** Aborts the requests that are still running. */
  close(): Promise<void>;
}

/** Creates a `UrlGuard` with its own connection pool. Close it after use. */
export function openUrlGuard(options: UrlGuardOptions): UrlGuard {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const retryDelayMs = options.retryDelayMs ?? 500;
  const connect = guardedConnector({ allow: options.allow, timeoutMs: timeouts.connectMs, resolve: options.resolve });
  const agent = new Agent({ connect, allowH2: false });

  async function head(url: URL, options: SourceName & { maxBytes: number }, budget: FirstByteBudget): Promise<UrlHead> {
    using answer = await get(agent, url, { timeouts, signal: budget.signal });
    const size = contentLength(answer);
    refuseTooLarge(size ?? 0, options);
    return { head: await readHead(answer, budget), size, contentType: answer.header('content-type') };
  }

  return {
    async check(url, { maxBytes, field, signal }) {
      const source = { host: url.host, field };
      using budget = new FirstByteBudget(timeouts.firstByteMs, signal);
      let last: SourceFailure | undefined;
      for (let attempt = 1; ; attempt++) {
        try {
          if (last) await sleep(retryDelayMs, undefined, { signal: budget.signal });
          return await head(url, { ...source, maxBytes }, budget);
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof ReelvecError) throw error;
          if (budget.isSpent) throw unreachable(source, last ?? budget.failure);
          last = toSourceFailure(error);
          if (!last.isRetryable || attempt === MAX_CHECK_ATTEMPTS) throw unreachable(source, last);
        }
      }
    },

    async fetchToBlob(store, key, url, { maxBytes, field, wasRead, onProgress, signal }) {
      const source = { host: url.host, field };
      const request = (headers: Record<string, string>) => get(agent, url, { headers, timeouts, signal });
      for (let start = 1; ; start++) {
        try {
          const content = download(request, { ...source, maxBytes, retryDelayMs, onProgress, signal });
          return await store.write(key, content, { signal });
        } catch (error) {
          signal?.throwIfAborted();
          if (!(error instanceof SourceFailure)) throw error;
          if (!(error instanceof CannotResume) || start === MAX_DOWNLOAD_STARTS) {
            throw unreachable(source, error, wasRead && error.isRefused ? ADVICE_READ_BEFORE : undefined);
          }
          await sleep(retryDelayMs * 2 ** start, undefined, { signal });
        }
      }
    },

    close: () => agent.destroy(),
  };
}

/**
 * Parses a source URL.
 * @param field path of the parameter, for errors: `video.media_source.url`
 * @throws {ReelvecError} `parameter_invalid` for anything but an http(s) URL without credentials
 */
export function parseSourceUrl(text: string, { field }: { field: string }): URL {
  const url = URL.parse(text);
  const reason = url ? sourceUrlProblem(url) : 'is not a URL';
  if (url && !reason) return url;
  throw new ReelvecError('parameter_invalid', `${field} ${reason}. Give a public http(s) link to the file itself.`, {
    details: { field },
  });
}

/** File name of a URL, 1 to 255 characters: the last segment of its path, or the host if that is empty. */
export function filenameOf(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch {
    // A URL may have a stray %: the name then stays encoded.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are removed
  return (name.replace(/[\u0000-\u001f\u007f/\\]/g, '').slice(-255) || url.hostname).slice(0, 255);
}

/** Timeout of a check until the first byte of the content; disposal stops it. */
class FirstByteBudget implements Disposable {
  readonly signal: AbortSignal;
  readonly failure: SourceFailure;
  readonly #spent = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.failure = new SourceFailure(`it sent nothing within ${ms / 1000} s`, { isRetryable: false });
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

async function readHead({ body }: SourceResponse, budget: FirstByteBudget): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const tooSlow = new SourceFailure('its first bytes took too long', { isRetryable: false });
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
