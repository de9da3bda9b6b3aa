import type { Dispatcher } from 'undici';
import { HttpFailure, toHttpFailure } from './failure.ts';

/** Maximum redirects followed by one request. */
const MAX_REDIRECTS = 5;
/** Statuses whose `Location` is followed. */
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
/**
 * Content codings that compress (IANA's registry). Other values are in `Content-Encoding` by mistake, mostly `aws-chunked`
 * and `utf-8`: the bytes are then unencoded, and their format is recognised by content.
 */
const COMPRESSING_CODINGS = /^(x-)?(gzip|compress|deflate|br|zstd|dcb|dcz|exi|pack200-gzip)$/i;

/** Response to a GET. Disposal discards the unread body and closes the connection. */
export interface Answer extends Disposable {
  /** URL that sent the response, after redirects. */
  readonly url: URL;
  readonly status: number;
  /** Value of a header; undefined if it is absent or repeated. */
  header(name: string): string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that only the origin of the first URL receives. */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  /** Receives every response, redirects included. */
  readonly onAnswer?: (answer: Answer) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Reason why a URL is not allowed, as a predicate; undefined if it is allowed. */
export function urlProblem(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `has the scheme ${url.protocol} instead of http: or https:`;
  if (url.username || url.password) return 'contains a user name or password';
  return undefined;
}

/**
 * Sends a GET and follows redirects. Each redirect is checked like the first URL; a guarded connector of the dispatcher
 * checks addresses. undici's own interceptor for redirects is no alternative: it reads the body of a redirect to its
 * end, even if that never comes, and accepts URLs with a password.
 * @returns a response with any status that is not a redirect; its content is not compressed
 * @throws {HttpFailure}
 */
export async function get(
  dispatcher: Dispatcher,
  url: URL,
  { headers, credentials, onAnswer, signal }: GetOptions,
): Promise<Answer> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await send(dispatcher, at, { ...headers, ...(at.origin === url.origin && credentials) }, signal);
    onAnswer?.(answer);
    const location = REDIRECT_STATUSES.includes(answer.status) ? answer.header('location') : undefined;
    if (location === undefined) return uncompressed(answer);
    answer[Symbol.dispose]();
    at = redirected(location, at);
  }
  throw new HttpFailure(`it redirects more than ${MAX_REDIRECTS} times`, { isRetryable: false });
}

async function send(dispatcher: Dispatcher, url: URL, headers: object, signal?: AbortSignal): Promise<Answer> {
  const request = dispatcher.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'GET',
    // A compressed transfer could not be resumed, and its size would be unknown.
    headers: { 'user-agent': 'reelvec', accept: '*/*', 'accept-encoding': 'identity', ...headers },
    signal,
  });
  const response = await request.catch((error) => {
    signal?.throwIfAborted();
    throw toHttpFailure(error, url.host);
  });
  const { statusCode: status, headers: received, body } = response;
  const header = (name: string) => (typeof received[name] === 'string' ? received[name] : undefined);
  return { url, status, header, body, [Symbol.dispose]: () => void body.on('error', () => {}).destroy() };
}

function redirected(location: string, from: URL): URL {
  const to = URL.parse(location, from.href);
  if (!to) throw new HttpFailure('it redirects to something that is not a URL', { isRetryable: false });
  const reason = urlProblem(to);
  if (reason) throw new HttpFailure(`it redirects to ${to.host || 'a URL'}, which ${reason}`, { isRetryable: false });
  return to;
}

/** Returns the response. @throws {HttpFailure} if it is a success with compressed content */
function uncompressed(answer: Answer): Answer {
  const codings = [200, 206].includes(answer.status) ? answer.header('content-encoding')?.split(',') : undefined;
  const compression = codings?.find((coding) => COMPRESSING_CODINGS.test(coding.trim()));
  if (!compression) return answer;
  answer[Symbol.dispose]();
  throw new HttpFailure(`it sends the file compressed (${compression.trim()}), which it was asked not to`, {
    isRetryable: false,
  });
}
