import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, errors, request } from 'undici';
import { z } from 'zod';
import type { HubSettings } from '../config.ts';
import type { HubSource } from './source.ts';

/** Hub error that a retry may resolve: a lost connection, a busy hub. */
export class HubTransientError extends Error {
  override name = 'HubTransientError';
  /** Delay that the hub requests in `Retry-After`, in milliseconds. */
  readonly waitMs: number | undefined;
  /** True if the partial file must be discarded, because the hub cannot continue it. */
  readonly startsOver: boolean;

  constructor(message: string, options: { waitMs?: number; startsOver?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
    this.startsOver = options.startsOver ?? false;
  }
}

/** Hub error that a retry does not resolve. `message` names the reason and the remedy. */
export class HubRefusal extends Error {
  override name = 'HubRefusal';
}

/** Response to a download, from the requested byte or from the start. */
export interface HubFile {
  /** Offset of the body's first byte in the file. */
  readonly from: number;
  /** Size of the whole file in bytes, if the hub sends it. */
  readonly size: number | undefined;
  /** The hub's checksum: SHA-256 for LFS files, git blob SHA-1 for others. */
  readonly checksum: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string } | undefined;
  readonly body: Readable;
}

/** Files of a repository at one commit. */
export interface HubListing {
  readonly commit: string;
  /** Files by path. Only LFS files have a SHA-256. Sizes in bytes. */
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256?: string }>;
}

/** Used fields of `GET /api/models/OWNER/NAME/revision/REVISION?blobs=true` (https://huggingface.co/docs/hub/api). */
const listing = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().min(0),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
    }),
  ),
});

/** Error codes of an unreachable host, as opposed to a lost connection. */
const UNREACHABLE_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED']);
/** Time without a first response after which `onSlowResponse` is called, in milliseconds. */
const SLOW_RESPONSE_MS = 1500;

/** Maximum number of redirects per request. */
const MAX_REDIRECTS = 5;
/** Status codes of redirects. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Client of a model hub with the API of huggingface.co (`/OWNER/NAME/resolve/REVISION/PATH`). */
export class Hub implements AsyncDisposable {
  readonly #settings: HubSettings;
  readonly #agent: EnvHttpProxyAgent;
  readonly #onSlowResponse: ((host: string) => void) | undefined;
  #token: Promise<string | undefined> | undefined;
  #hasAnswered = false;

  /** @param options.onSlowResponse called with the host when the first response is slow, maybe for lack of a network */
  constructor(settings: HubSettings, { onSlowResponse }: { onSlowResponse?: (host: string) => void } = {}) {
    this.#settings = settings;
    this.#onSlowResponse = onSlowResponse;
    const { http, https, none } = settings.proxy;
    this.#agent = new EnvHttpProxyAgent({
      httpProxy: http ?? '',
      httpsProxy: https ?? '',
      noProxy: none ?? '',
      headersTimeout: settings.timeoutMs,
      bodyTimeout: settings.timeoutMs,
      connectTimeout: settings.timeoutMs,
    });
  }

  /**
   * Opens a file for download. Follows redirects; only the hub's own origin gets the token.
   * @param options.from offset of the first byte; a hub without range requests sends the whole file
   * @throws {HubTransientError} if a retry may help
   * @throws {HubRefusal} if it does not, or in offline mode
   */
  async open(
    { repo, revision }: Pick<HubSource, 'repo' | 'revision'>,
    path: string,
    { from = 0, signal }: { from?: number; signal?: AbortSignal } = {},
  ): Promise<HubFile> {
    if (this.#settings.offline) {
      throw new HubRefusal(`${path} of ${repo} is missing, and HF_HUB_OFFLINE forbids the download.`);
    }
    const first = new URL(`${this.#settings.endpoint}/${repo}/resolve/${revision}/${path}`);
    let url = first;
    let checksum: HubFile['checksum'];
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await this.#request(url, { from, signal, withToken: url.origin === first.origin });
      // Only the hub's own response has the file's checksum; the storage that it redirects to has another ETag.
      checksum ??= checksumOf(answer.headers);
      if (!REDIRECTS.has(answer.statusCode)) return toHubFile(answer, { url, repo, revision, path, from, checksum });
      await answer.body.dump();
      const location = header(answer.headers, 'location');
      if (location === undefined) throw new HubTransientError(`${url.host} redirects without a location.`);
      url = new URL(location, url);
      if (!/^https?:$/.test(url.protocol)) throw new HubRefusal(`${first.host} redirects to ${url.protocol}`);
    }
    throw new HubTransientError(`${first.host} redirects more than ${MAX_REDIRECTS} times.`);
  }

  /**
   * Resolves a branch or tag to its commit and lists the files there.
   * @throws {HubTransientError} if a retry may help
   * @throws {HubRefusal} if it does not, or in offline mode
   */
  async list(repo: string, revision: string): Promise<HubListing> {
    const what = `${repo} at ${revision}`;
    if (this.#settings.offline) throw new HubRefusal(`HF_HUB_OFFLINE forbids a request for ${what}.`);
    const path = `api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
    const url = new URL(`${this.#settings.endpoint}/${path}`);
    const answer = await this.#request(url, { from: 0, withToken: true });
    if (answer.statusCode !== 200) {
      await answer.body.dump().catch(() => {});
      throw errorFor(answer, url, what);
    }
    const parsed = listing.safeParse(await answer.body.json().catch(() => undefined));
    if (!parsed.success) throw new HubRefusal(`${url.host} sent no valid listing of ${what}. Is HF_ENDPOINT right?`);
    const { sha, siblings } = parsed.data;
    const files = siblings.map(
      ({ rfilename, size, lfs }) => [rfilename, { size, ...(lfs && { sha256: lfs.sha256 }) }] as const,
    );
    return { commit: sha, files: new Map(files) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #request(
    url: URL,
    { from, signal, withToken }: { from: number; signal?: AbortSignal | undefined; withToken: boolean },
  ): Promise<Dispatcher.ResponseData> {
    this.#token ??= this.#readToken();
    const token = withToken ? await this.#token : undefined;
    const headers = {
      'user-agent': 'reelvec',
      // A range of a compressed response would not be a range of the file.
      'accept-encoding': 'identity',
      ...(token && { authorization: `Bearer ${token}` }),
      ...(from > 0 && { range: `bytes=${from}-` }),
    };
    const slowTimer = this.#hasAnswered
      ? undefined
      : setTimeout(() => this.#onSlowResponse?.(url.host), SLOW_RESPONSE_MS);
    try {
      const answer = await request(url, { headers, signal, dispatcher: this.#agent });
      this.#hasAnswered = true;
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      // Retries help against a lost connection, not against a missing network.
      if (!this.#hasAnswered && UNREACHABLE_CODES.has(causeOf(error))) {
        throw new HubRefusal(
          `${url.host} cannot be reached (${causeOf(error)}): is there a network? ` +
            'Without one, copy the models folder of a machine that has pulled them.',
        );
      }
      throw new HubTransientError(`${url.host} could not be reached: ${causeOf(error)}.`, { cause: error });
    } finally {
      clearTimeout(slowTimer);
    }
  }

  async #readToken(): Promise<string | undefined> {
    const { token, tokenFile } = this.#settings;
    if (token !== undefined) return token;
    return (await readFile(tokenFile, 'utf8').catch(() => '')).trim() || undefined;
  }
}

/** A request for a file, for the interpretation of its response. */
interface FileRequest {
  readonly url: URL;
  readonly repo: string;
  readonly revision: string;
  readonly path: string;
  readonly from: number;
  readonly checksum: HubFile['checksum'];
}

/** Interprets a response to a download; 416 at the end of the file means that the file is complete. */
async function toHubFile(answer: Dispatcher.ResponseData, file: FileRequest): Promise<HubFile> {
  const { statusCode, headers, body } = answer;
  const { url, repo, revision, path, checksum, from } = file;
  if (statusCode === 200) return { from: 0, size: number(header(headers, 'content-length')), checksum, body };
  if (statusCode === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(header(headers, 'content-range') ?? '');
    if (range && Number(range[1]) === from) return { from, size: Number(range[2]), checksum, body };
  }
  await body.dump().catch(() => {});
  const whole = statusCode === 416 && /^bytes \*\/(\d+)$/.exec(header(headers, 'content-range') ?? '');
  if (whole && Number(whole[1]) === from) return { from, size: from, checksum, body: Readable.from([]) };
  throw errorFor(answer, url, `${path} of ${repo} at ${revision.slice(0, 12)}`);
}

/** Error for a failed response. */
function errorFor({ statusCode, headers }: Dispatcher.ResponseData, url: URL, what: string): Error {
  if (statusCode === 401 || statusCode === 403) {
    return new HubRefusal(
      `${url.host} denies access to ${what} (${statusCode}). If it is private or gated, accept its terms there and set HF_TOKEN.`,
    );
  }
  if (statusCode === 404) {
    const hint = /^[\w.-]+$/.test(header(headers, 'x-error-code') ?? '') ? `, ${header(headers, 'x-error-code')}` : '';
    return new HubRefusal(`${url.host} has no ${what} (404${hint}). Is HF_ENDPOINT right?`);
  }
  if (statusCode === 416 || statusCode === 206) {
    return new HubTransientError(`${url.host} cannot resume the download of ${what}.`, { startsOver: true });
  }
  if (statusCode === 429 || statusCode >= 500) {
    const waitSec = number(header(headers, 'retry-after'));
    return new HubTransientError(
      `${url.host} answered ${statusCode}.`,
      waitSec === undefined ? {} : { waitMs: waitSec * 1000 },
    );
  }
  return new HubRefusal(`${url.host} answered ${statusCode} to ${what}.`);
}

/** Checksum in a response: `X-Linked-ETag` for LFS files, `ETag` for others (https://huggingface.co/docs/hub/api). */
function checksumOf(headers: Dispatcher.ResponseData['headers']): HubFile['checksum'] {
  const tag = header(headers, 'x-linked-etag') ?? header(headers, 'etag');
  const hex = /^(?:W\/)?"?([0-9a-f]{64}|[0-9a-f]{40})"?$/.exec(tag ?? '')?.[1];
  return hex === undefined ? undefined : { kind: hex.length === 64 ? 'sha256' : 'git-sha1', hex };
}

function header(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Error code or message of a failed request, for messages. */
function causeOf(error: unknown): string {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError) return 'timeout';
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
