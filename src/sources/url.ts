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

/** For the rest of the first 64 KB. A client waits for a check, so it is short where a download is patient. */
const HEAD_REST_TIMEOUT_MS = 10_000;
const MAX_CHECK_ATTEMPTS = 2;
/** How often content that cannot be resumed is fetched from its beginning. */
const MAX_DOWNLOAD_STARTS = 3;

const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000, firstByteMs: 10_000 };

/** Advice where a check read the link, and the download is refused. */
const ADVICE_READ_BEFORE =
  'A moment ago it could be read: the link may work only once, or have expired since. Give one that holds, or upload the file as an asset.';

export interface UrlGuardOptions {
  /** What may be reached although it is private: `parseAllowList` of REELVEC_URL_ALLOW. */
  readonly allow: AllowList;
  readonly timeouts?: Partial<Timeouts>;
  /** Wait before the second attempt, doubled for each further one. Default 500. */
  readonly retryDelayMs?: number;
  /** How names are resolved. Default: as the operating system does. */
  readonly resolve?: Resolve;
}

export interface UrlHead {
  /** The first 64 KB, or all of it. */
  readonly head: Uint8Array;
  /** Bytes, as the host says: not to be relied on. */
  readonly size?: number;
  /** Content-Type, as the host says: not to be relied on. */
  readonly contentType?: string;
}

/** Reads source URLs without being led into private networks. Errors are ReelvecErrors that name the host only. */
export interface UrlGuard {
  /** Opens a URL, reads its first bytes and hangs up. Throws `source_unreachable` or `video_filesize_too_large`. */
  check(url: URL, options: { maxBytes: number; field?: string; signal?: AbortSignal }): Promise<UrlHead>;
  /**
   * Fetches a URL into a blob, whole or not at all; resumes or starts over where the transfer fails. Throws
   * `source_unreachable` when that does not help, or `video_filesize_too_large`.
   * @param options.field path of the parameter, for errors
   * @param options.wasRead whether a check has read it, for errors
   * @param options.onProgress gets the bytes so far, which fall to 0 when the transfer starts over
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
  /** Breaks off what still runs. */
  close(): Promise<void>;
}

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

/** @param field path of the parameter, for the error: `video.media_source.url` */
export function parseSourceUrl(text: string, { field }: { field: string }): URL {
  const url = URL.parse(text);
  const reason = url ? sourceUrlProblem(url) : 'is not a URL';
  if (url && !reason) return url;
  throw new ReelvecError('parameter_invalid', `${field} ${reason}. Give a public http(s) link to the file itself.`, {
    details: { field },
  });
}

/** The last part of the path as a file name of 1 to 255 characters; the host where the path has none. */
export function filenameOf(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch {
    // A stray % is allowed in a URL: the name is then what stands there.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return (name.replace(/[\u0000-\u001f\u007f/\\]/g, '').slice(-255) || url.hostname).slice(0, 255);
}

/** Aborts what a check does unless a first byte has come in time. */
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
