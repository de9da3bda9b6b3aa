import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, errors, request } from 'undici';
import { z } from 'zod';
import type { HubSettings } from '../config.ts';
import type { HubSource } from './source.ts';

/** Something that asking again may mend: a cut connection, a hub that is busy. */
export class HubTransientError extends Error {
  override name = 'HubTransientError';
  /** What the hub asks to wait, in milliseconds. */
  readonly waitMs: number | undefined;
  /** What is here of the file is no beginning of it. */
  readonly startsOver: boolean;

  constructor(message: string, options: { waitMs?: number; startsOver?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
    this.startsOver = options.startsOver ?? false;
  }
}

/** The hub says no, or cannot be asked: `message` says why and what to do. */
export class HubRefusal extends Error {
  override name = 'HubRefusal';
}

/** A file on its way, from the byte that was asked for or from the beginning. */
export interface HubFile {
  /** Which byte the body begins with. */
  readonly from: number;
  /** Bytes of the whole file, where the hub says so. */
  readonly size: number | undefined;
  /** What the hub says the file holds: SHA-256 of a large file, SHA-1 of the git object of a small one. */
  readonly checksum: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string } | undefined;
  readonly body: Readable;
}

/** What a repository holds at one commit. */
export interface HubListing {
  readonly commit: string;
  /** By path. SHA-256 only of what git keeps as a pointer. */
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256?: string }>;
}

/** The part that counts of `GET /api/models/OWNER/NAME/revision/REVISION?blobs=true` (https://huggingface.co/docs/hub/api). */
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

/** Codes of errors that say that there is no way to a host, as opposed to a line that broke. */
const UNREACHABLE_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED']);
/** Time without a first answer after which the wait is told of. Milliseconds. */
const SLOW_RESPONSE_MS = 1500;

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A model hub that speaks the protocol of huggingface.co (`/OWNER/NAME/resolve/REVISION/PATH`). */
export class Hub implements AsyncDisposable {
  readonly #settings: HubSettings;
  readonly #agent: EnvHttpProxyAgent;
  readonly #onSlowResponse: ((host: string) => void) | undefined;
  #token: Promise<string | undefined> | undefined;
  #hasAnswered = false;

  /** @param options.onSlowResponse called when a first answer takes long: there may be no network */
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
   * Opens a file.
   * @param options.from first byte wanted; a hub that cannot do that sends the whole file
   * @throws {HubTransientError | HubRefusal}
   */
  async open(
    { repo, revision }: Pick<HubSource, 'repo' | 'revision'>,
    path: string,
    { from = 0, signal }: { from?: number; signal?: AbortSignal } = {},
  ): Promise<HubFile> {
    if (this.#settings.offline) {
      throw new HubRefusal(`${path} of ${repo} is not here, and HF_HUB_OFFLINE forbids to get it.`);
    }
    const first = new URL(`${this.#settings.endpoint}/${repo}/resolve/${revision}/${path}`);
    let url = first;
    let checksum: HubFile['checksum'];
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await this.#request(url, { from, signal, withToken: url.origin === first.origin });
      // The hub itself says what the file holds, and not the store that it sends to.
      checksum ??= checksumOf(answer.headers);
      if (!REDIRECTS.has(answer.statusCode)) return toHubFile(answer, { url, repo, revision, path, from, checksum });
      await answer.body.dump();
      const location = header(answer.headers, 'location');
      if (location === undefined) throw new HubTransientError(`${url.host} redirects to nowhere.`);
      url = new URL(location, url);
      if (!/^https?:$/.test(url.protocol)) throw new HubRefusal(`${first.host} redirects to ${url.protocol}`);
    }
    throw new HubTransientError(`${first.host} redirects more than ${MAX_REDIRECTS} times.`);
  }

  /**
   * Which commit a branch or tag is at, and the files there.
   * @throws {HubTransientError | HubRefusal}
   */
  async list(repo: string, revision: string): Promise<HubListing> {
    const what = `${repo} at ${revision}`;
    if (this.#settings.offline) throw new HubRefusal(`HF_HUB_OFFLINE forbids to ask for ${what}.`);
    const path = `api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
    const url = new URL(`${this.#settings.endpoint}/${path}`);
    const answer = await this.#request(url, { from: 0, withToken: true });
    if (answer.statusCode !== 200) {
      await answer.body.dump().catch(() => {});
      throw errorFor(answer, url, what);
    }
    const parsed = listing.safeParse(await answer.body.json().catch(() => undefined));
    if (!parsed.success)
      throw new HubRefusal(`${url.host} does not say what ${what} is. Is HF_ENDPOINT the hub that is meant?`);
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
      // Compressed, a range would be one of something else.
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
      // Trying again mends a network that broke, not one that is not there.
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

interface FileRequest {
  readonly url: URL;
  readonly repo: string;
  readonly revision: string;
  readonly path: string;
  readonly from: number;
  readonly checksum: HubFile['checksum'];
}

async function toHubFile(answer: Dispatcher.ResponseData, wanted: FileRequest): Promise<HubFile> {
  const { statusCode, headers, body } = answer;
  const { url, repo, revision, path, checksum, from } = wanted;
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

function errorFor({ statusCode, headers }: Dispatcher.ResponseData, url: URL, what: string): Error {
  if (statusCode === 401 || statusCode === 403) {
    return new HubRefusal(
      `${url.host} does not hand out ${what} (${statusCode}). If it is private or gated, accept its terms there and set HF_TOKEN.`,
    );
  }
  if (statusCode === 404) {
    const hint = /^[\w.-]+$/.test(header(headers, 'x-error-code') ?? '') ? `, ${header(headers, 'x-error-code')}` : '';
    return new HubRefusal(`${url.host} has no ${what} (404${hint}). Is HF_ENDPOINT the hub that is meant?`);
  }
  if (statusCode === 416 || statusCode === 206) {
    return new HubTransientError(`${url.host} cannot go on with ${what}.`, { startsOver: true });
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

/** https://huggingface.co/docs/hub/api: `X-Linked-ETag` of what git keeps as a pointer, `ETag` of what it keeps itself. */
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

function causeOf(error: unknown): string {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError)
    return 'it took too long';
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
