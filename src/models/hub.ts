import { readFile } from 'node:fs/promises';
import { EnvHttpProxyAgent } from 'undici';
import { z } from 'zod';
import type { HubSettings } from '../config.ts';
import type { Content } from '../http/download.ts';
import { HttpFailure, toHttpFailure } from '../http/failure.ts';
import { type Answer, get } from '../http/get.ts';
import { contentAt, rangeHeaders } from '../http/range.ts';
import type { HubSource } from './source.ts';

/** Hub error that a retry may resolve: a lost connection, a busy hub. `message` is a sentence. */
export class HubTransientError extends HttpFailure {
  override name = 'HubTransientError';

  constructor(message: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { isRetryable: true, ...options });
  }
}

/** Hub error that a retry does not resolve. `message` names the reason and the remedy. */
export class HubRefusal extends Error {
  override name = 'HubRefusal';
}

/** Content of a file, from the requested byte on. `end` is the size of the whole file. */
export interface HubFile extends Content {
  /** The hub's checksum: SHA-256 for LFS files, git blob SHA-1 for others. */
  readonly checksum: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string } | undefined;
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
   * @param options.from offset of the first byte
   * @throws {CannotResume} if the hub cannot send the file from there
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
    const url = new URL(`${this.#settings.endpoint}/${repo}/resolve/${revision}/${path}`);
    const { answer, checksum } = await this.#get(url, { headers: rangeHeaders(from), signal });
    if (![200, 206, 416].includes(answer.status)) {
      answer[Symbol.dispose]();
      throw errorFor(answer, `${path} of ${repo} at ${revision.slice(0, 12)}`);
    }
    // A commit never changes, so that its files need no other validator.
    return { ...contentAt(answer, from), version: revision, checksum };
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
    const { answer } = await this.#get(url);
    using _ = answer;
    if (answer.status !== 200) throw errorFor(answer, what);
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

  /** Sends a GET. The checksum is that of the first response that has one. */
  async #get(
    url: URL,
    options: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
  ): Promise<{ answer: Answer; checksum: HubFile['checksum'] }> {
    this.#token ??= this.#readToken();
    const token = await this.#token;
    let checksum: HubFile['checksum'];
    const onAnswer = (answer: Answer) => {
      this.#hasAnswered = true;
      // The hub's own response has the file's checksum; the storage that it redirects to has another ETag.
      checksum ??= checksumOf(answer);
    };
    const slowTimer = this.#hasAnswered
      ? undefined
      : setTimeout(() => this.#onSlowResponse?.(url.host), SLOW_RESPONSE_MS);
    try {
      const credentials = token === undefined ? undefined : { authorization: `Bearer ${token}` };
      const answer = await get(this.#agent, url, { ...options, credentials, onAnswer });
      return { answer, checksum };
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#failed(toHttpFailure(error), url);
    } finally {
      clearTimeout(slowTimer);
    }
  }

  #failed(failure: HttpFailure, url: URL): Error {
    // After a redirect, the host is not the hub but its storage.
    const host = failure.host ?? url.host;
    const isUnreachable = UNREACHABLE_CODES.has(failure.code ?? '');
    // Retries help against a lost connection, not against a missing network.
    if (isUnreachable && !this.#hasAnswered) {
      return new HubRefusal(
        `${host} cannot be reached (${failure.code}): is there a network? ` +
          'Without one, copy the models folder of a machine that has pulled them.',
        { cause: failure },
      );
    }
    const HubError = failure.isRetryable || isUnreachable ? HubTransientError : HubRefusal;
    return new HubError(`${host} could not be read: ${failure.message}.`, { cause: failure });
  }

  async #readToken(): Promise<string | undefined> {
    const { token, tokenFile } = this.#settings;
    if (token !== undefined) return token;
    return (await readFile(tokenFile, 'utf8').catch(() => '')).trim() || undefined;
  }
}

/** Error for a failed response. */
function errorFor({ url: { host }, status, header }: Answer, what: string): Error {
  if (status === 401 || status === 403) {
    return new HubRefusal(
      `${host} denies access to ${what} (${status}). If it is private or gated, accept its terms there and set HF_TOKEN.`,
    );
  }
  if (status === 404) {
    const hint = /^[\w.-]+$/.test(header('x-error-code') ?? '') ? `, ${header('x-error-code')}` : '';
    return new HubRefusal(`${host} has no ${what} (404${hint}). Is HF_ENDPOINT right?`);
  }
  if (status === 429 || status >= 500) {
    const waitSec = header('retry-after');
    const retryAfterMs = /^\d+$/.test(waitSec ?? '') ? Number(waitSec) * 1000 : undefined;
    return new HubTransientError(`${host} answered ${status}.`, { retryAfterMs });
  }
  return new HubRefusal(`${host} answered ${status} to ${what}.`);
}

/** Checksum in a response: `X-Linked-ETag` for LFS files, `ETag` for others (https://huggingface.co/docs/hub/api). */
function checksumOf({ header }: Answer): HubFile['checksum'] {
  const tag = header('x-linked-etag') ?? header('etag');
  const hex = /^(?:W\/)?"?([0-9a-f]{64}|[0-9a-f]{40})"?$/.exec(tag ?? '')?.[1];
  return hex === undefined ? undefined : { kind: hex.length === 64 ? 'sha256' : 'git-sha1', hex };
}
