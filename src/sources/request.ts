import { STATUS_CODES } from 'node:http';
import type { Agent, Dispatcher } from 'undici';
import { storageReason } from './error-body.ts';
import { SourceFailure, toSourceFailure } from './failures.ts';

const MAX_REDIRECTS = 5;
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/** Statuses that a later attempt may not meet again. */
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];
/** Statuses of a link that holds no more. */
const REFUSAL_STATUSES = [401, 403, 404, 410];
/**
 * Content codings that compress (IANA's registry). Others appear in `Content-Encoding` by mistake, `aws-chunked` and
 * `utf-8` most often: then the bytes are as they are, and tell what they are.
 */
const COMPRESSING_CODINGS = /^(x-)?(gzip|compress|deflate|br|zstd|dcb|dcz|exi|pack200-gzip)$/i;

export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the end of the response's headers. */
  readonly headersMs: number;
  /** Without one byte of the body. */
  readonly idleMs: number;
  /** Of a check, from its start to the first byte of the content, with all redirects and attempts. */
  readonly firstByteMs: number;
}

/** The response to a GET. Disposing of it gives up what is unread of the body, and with it the connection. */
export interface SourceResponse extends Disposable {
  readonly status: number;
  /** One value of a header; undefined when it is absent or repeated. */
  header(name: string): string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

/** Why a URL is none that a source may have; undefined when it may. */
export function sourceUrlProblem(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `has the scheme ${url.protocol} instead of http: or https:`;
  if (url.username || url.password) return 'contains a user name or password';
  return undefined;
}

/**
 * GET, following redirects; each of them is checked like the first URL, its address when the connection is made.
 * Throws `SourceFailure` unless the status is 200, or 206 or 416 where a range was asked for.
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
        // Stored and compared byte for byte: a compressed transfer could neither be resumed nor be measured.
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
