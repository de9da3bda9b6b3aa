import { STATUS_CODES } from 'node:http';
import type { Agent, Dispatcher } from 'undici';
import { storageReason } from './error-body.ts';
import { SourceFailure, toSourceFailure } from './failures.ts';

/** Maximum redirects followed by one request. */
const MAX_REDIRECTS = 5;
/** Statuses whose `Location` is followed. */
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/** Statuses of temporary failures, worth a retry. */
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];
/** Statuses of a URL that is not or no longer accessible. */
const REFUSAL_STATUSES = [401, 403, 404, 410];
/**
 * Content codings that compress (IANA's registry). Other values are in `Content-Encoding` by mistake, mostly `aws-chunked`
 * and `utf-8`: the bytes are then unencoded, and their format is recognised by content.
 */
const COMPRESSING_CODINGS = /^(x-)?(gzip|compress|deflate|br|zstd|dcb|dcz|exi|pack200-gzip)$/i;

/** Timeouts of source requests, in milliseconds. */
export interface Timeouts {
  /** For name resolution, connecting and the TLS handshake. */
  readonly connectMs: number;
  /** From the request to the end of the response headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
  /** For a check, from its start to the first byte of the content, over all redirects and attempts. */
  readonly firstByteMs: number;
}

/** Response to a GET. Disposal discards the unread body and closes the connection. */
export interface SourceResponse extends Disposable {
  readonly status: number;
  /** Value of a header; undefined if it is absent or repeated. */
  header(name: string): string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

/** Reason why a URL is not allowed as a source, as a predicate; undefined if it is allowed. */
export function sourceUrlProblem(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `has the scheme ${url.protocol} instead of http: or https:`;
  if (url.username || url.password) return 'contains a user name or password';
  return undefined;
}

/**
 * Sends a GET and follows redirects. Each redirect is checked like the first URL; the agent's connector checks addresses.
 * @throws {SourceFailure} unless the status is 200, or 206 or 416 for a range request
 */
export async function get(
  agent: Agent,
  url: URL,
  { headers, timeouts, signal }: { headers?: Record<string, string>; timeouts: Timeouts; signal?: AbortSignal },
): Promise<SourceResponse> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const received = await agent
      .request({
        origin: at.origin,
        path: at.pathname + at.search,
        method: 'GET',
        // Content is stored byte for byte: a compressed transfer could not be resumed, and its size would be unknown.
        headers: { 'user-agent': 'reelvec', accept: '*/*', 'accept-encoding': 'identity', ...headers },
        headersTimeout: timeouts.headersMs,
        bodyTimeout: timeouts.idleMs,
        signal,
      })
      .catch((error) => {
        signal?.throwIfAborted();
        throw toSourceFailure(error);
      });
    const response: SourceResponse = {
      status: received.statusCode,
      header: (name) => {
        const value = received.headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      body: received.body,
      [Symbol.dispose]: () => void received.body.on('error', () => {}).destroy(),
    };
    const location = REDIRECT_STATUSES.includes(response.status) ? response.header('location') : undefined;
    if (location === undefined) {
      const failure = await failureOf(response, headers?.['range'] !== undefined);
      if (!failure) return response;
      response[Symbol.dispose]();
      throw failure;
    }
    response[Symbol.dispose]();
    if (redirects === MAX_REDIRECTS) {
      throw new SourceFailure(`it redirects more than ${MAX_REDIRECTS} times`, { isRetryable: false });
    }
    at = redirected(location, at);
  }
}

function redirected(location: string, from: URL): URL {
  const to = URL.parse(location, from.href);
  if (!to) throw new SourceFailure('it redirects to something that is not a URL', { isRetryable: false });
  const reason = sourceUrlProblem(to);
  if (reason) throw new SourceFailure(`it redirects to ${to.host || 'a URL'}, which ${reason}`, { isRetryable: false });
  return to;
}

async function failureOf(response: SourceResponse, ranged: boolean): Promise<SourceFailure | undefined> {
  const { status, header } = response;
  if (status !== 200 && !(ranged && (status === 206 || status === 416))) {
    const reason = await storageReason(response.body);
    const hint = status === 401 || status === 403 ? '; the link must be public or signed' : '';
    const said = `it answers HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
    return new SourceFailure(`${said}${reason ? ` (${reason})` : ''}${hint}`, {
      isRetryable: TRANSIENT_STATUSES.includes(status),
      isRefused: REFUSAL_STATUSES.includes(status),
    });
  }
  const compression = header('content-encoding')
    ?.split(',')
    .find((coding) => COMPRESSING_CODINGS.test(coding.trim()));
  if (compression) {
    return new SourceFailure(`it sends the file compressed (${compression.trim()}), which it was asked not to`, {
      isRetryable: false,
    });
  }
  return undefined;
}
