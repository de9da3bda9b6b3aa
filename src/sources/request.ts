import { STATUS_CODES } from 'node:http';
import type { Agent, Dispatcher } from 'undici';
import { explain, SourceFailure } from './failures.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Statuses that a later attempt may not meet again. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];

export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the end of the answer's headers. */
  readonly headersMs: number;
  /** Without one byte of the body. */
  readonly idleMs: number;
}

/** The answer to a GET. Disposing of it gives up what is unread of the body, and with it the connection. */
export interface Answer extends Disposable {
  readonly status: number;
  /** One value of a header; undefined when it is absent or repeated. */
  header(name: string): string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

/** Why a URL is none that a source may have; undefined when it may. */
export function whyNotSource(url: URL): string | undefined {
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
): Promise<Answer> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const response = await agent
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
        throw explain(error);
      });
    const answer: Answer = {
      status: response.statusCode,
      header: (name) => {
        const value = response.headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      body: response.body,
      [Symbol.dispose]: () => void response.body.on('error', () => {}).destroy(),
    };
    const location = REDIRECTS.includes(answer.status) ? answer.header('location') : undefined;
    if (location === undefined) {
      const failure = judge(answer, headers?.['range'] !== undefined);
      if (!failure) return answer;
      answer[Symbol.dispose]();
      throw failure;
    }
    answer[Symbol.dispose]();
    if (redirects === MAX_REDIRECTS) {
      throw new SourceFailure(`it redirects more than ${MAX_REDIRECTS} times`, { again: false });
    }
    at = redirected(location, at);
  }
}

function redirected(location: string, from: URL): URL {
  const to = URL.parse(location, from.href);
  if (!to) throw new SourceFailure('it redirects to something that is not a URL', { again: false });
  const reason = whyNotSource(to);
  if (reason) throw new SourceFailure(`it redirects to ${to.host || 'a URL'}, which ${reason}`, { again: false });
  return to;
}

function judge({ status, header }: Answer, ranged: boolean): SourceFailure | undefined {
  if (status !== 200 && !(ranged && (status === 206 || status === 416))) {
    const hint = status === 401 || status === 403 ? '; the link must be public or signed' : '';
    return new SourceFailure(`it answers HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd() + hint, {
      again: PASSING.includes(status),
    });
  }
  const encoding = header('content-encoding');
  if (encoding && encoding.toLowerCase() !== 'identity') {
    return new SourceFailure(`it sends the file compressed (${encoding}), which it was asked not to`, { again: false });
  }
  return undefined;
}
