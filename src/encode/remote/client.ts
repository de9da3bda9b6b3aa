import { setTimeout as sleep } from 'node:timers/promises';
import { Server, type ServerAnswer, type ServerRequest, type ServersOptions } from './servers.ts';

/** All servers failed for longer than `patienceMs`. The request is not at fault and should be retried later. */
export class InferenceServerUnavailable extends Error {
  override name = 'InferenceServerUnavailable';
}

/** A server refused a request with a status that a retry does not change. */
export class InferenceServerRefusal extends Error {
  override name = 'InferenceServerRefusal';
}

/** Options of `InferenceClient`. */
export interface ClientOptions extends ServersOptions {
  /** Maximum time for the retries of a request, in milliseconds. */
  readonly patienceMs: number;
}

/** A request to whichever server is chosen. */
export interface RemoteRequest extends Omit<ServerRequest, 'body'> {
  /** Content, or a function that creates it from a document of the server that the request goes to. */
  readonly body?: Uint8Array | ServerSpecificBody | undefined;
}

/** Content of a request that depends on the server. */
export interface ServerSpecificBody {
  /** Path of the document, which is fetched before each request: it may change when the server starts again. */
  readonly documentPath: string;
  readonly create: (document: Uint8Array) => Uint8Array;
}

/** Maximum time for retries of a check at startup, in milliseconds. It delays the start of the server. */
export const MAX_CHECK_TIME_MS = 2000;
/** Maximum delay after the first round of failures, in milliseconds; doubled for each further round. */
const FIRST_RETRY_DELAY_MS = 200;
/** Upper bound of the exponential retry delay, in milliseconds. */
const MAX_RETRY_DELAY_MS = 5000;
/** Status codes of an overloaded server, or of a proxy that does not reach its server. */
const TRANSIENT_STATUSES = new Set([429, 502, 503, 504]);
/** Maximum length of a server's error text in our messages, in UTF-16 code units. */
const MAX_REASON_CHARS = 500;

/**
 * Load-balancing client of several inference servers. A request goes to the least busy ready server. After a transient
 * failure it goes to another server at once; when all have failed, after the server's `Retry-After` or an exponential
 * backoff with full jitter (Brooker, *Exponential backoff and jitter*, 2015). Inference has no side effects, so a
 * request without a response can be repeated.
 */
export class InferenceClient {
  readonly #servers: readonly Server[];
  readonly #options: ClientOptions;
  #nextOffset = 0;

  /** @throws {Error} if `urls` is empty */
  constructor(options: ClientOptions) {
    if (options.urls.length === 0) {
      throw new Error('The bundle has models on inference servers. Set REELVEC_INFERENCE_URLS to their URLs.');
    }
    this.#options = options;
    this.#servers = options.urls.map((url) => new Server(url, options));
  }

  /**
   * Sends a request, with retries.
   * @returns a response with status 200
   * @throws {InferenceServerUnavailable} if no server succeeds within `patienceMs`
   * @throws {InferenceServerRefusal} for a status that a retry would not change
   * @throws the signal's reason
   */
  async send(request: RemoteRequest): Promise<ServerAnswer> {
    const { signal } = request;
    const giveUpAt = performance.now() + this.#options.patienceMs;
    const failed = new Set<Server>();
    for (let rounds = 0; ; ) {
      signal?.throwIfAborted();
      const server = this.#choose(failed);
      const outcome = await attempt(server, request);
      if ('answer' in outcome) return outcome.answer;
      failed.add(server);
      if (this.#servers.some((other) => !failed.has(other) && other.isReady(performance.now()))) continue;
      const pauseMs =
        outcome.pauseMs ?? Math.random() * Math.min(MAX_RETRY_DELAY_MS, FIRST_RETRY_DELAY_MS * 2 ** rounds);
      if (performance.now() + pauseMs >= giveUpAt) throw this.#unavailable(outcome.reason);
      await sleep(pauseMs, undefined, { signal });
      failed.clear();
      rounds++;
    }
  }

  /** Closes all connections. A later request opens new ones. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** Least busy ready server that has not failed yet; if there is none, the next one in round-robin order. */
  #choose(failed: ReadonlySet<Server>): Server {
    const now = performance.now();
    const offset = this.#nextOffset++;
    const rotated = this.#servers.map((_, i) => this.#servers[(offset + i) % this.#servers.length]!);
    const ready = rotated.filter((server) => !failed.has(server) && server.isReady(now));
    return ready.toSorted((a, b) => a.load - b.load)[0] ?? rotated.find((server) => !failed.has(server)) ?? rotated[0]!;
  }

  #unavailable(reason: string): InferenceServerUnavailable {
    const { urls, patienceMs } = this.#options;
    return new InferenceServerUnavailable(
      `No inference server answered within ${patienceMs / 1000} s (${urls.join(', ')}). The last one: ${reason}`,
    );
  }
}

/** Result of one attempt: a response, or the reason of a transient failure. */
type Outcome = { readonly answer: ServerAnswer } | { readonly reason: string; readonly pauseMs?: number | undefined };

/** Sends one request to one server. A transient failure pauses the server or marks it down. */
async function attempt(server: Server, request: RemoteRequest): Promise<Outcome> {
  let answer: ServerAnswer;
  try {
    answer = await exchange(server, request);
  } catch (error) {
    request.signal?.throwIfAborted();
    server.markDown();
    const { message, cause } = error as Error;
    return { reason: `${server.url}: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}` };
  }
  if (answer.status === 200) return { answer };
  const reason = `${server.url} answered ${answer.status}: ${refusalText(answer.body)}`;
  if (!TRANSIENT_STATUSES.has(answer.status)) throw new InferenceServerRefusal(reason);
  const pauseMs = retryAfterMs(answer.header('retry-after'));
  if (pauseMs !== undefined) server.pauseFor(pauseMs);
  else if (answer.status !== 429) server.markDown();
  return { reason, pauseMs };
}

/** Sends a request, after the document that its body is made of was fetched. */
async function exchange(server: Server, { body, ...request }: RemoteRequest): Promise<ServerAnswer> {
  if (body === undefined || body instanceof Uint8Array) return server.request({ ...request, body });
  const document = await server.request({ method: 'GET', path: body.documentPath, signal: request.signal });
  return document.status === 200 ? server.request({ ...request, body: body.create(document.body) }) : document;
}

/** Error text of a response: `{"error": "…"}`, `{"error": {"message": "…"}}` or `{"message": "…"}`; anything from a proxy. */
function refusalText(body: Uint8Array): string {
  const text = Buffer.from(body).toString('utf8');
  try {
    const { error, message } = JSON.parse(text) as { error?: string | { message?: unknown }; message?: unknown };
    const reason = (typeof error === 'object' ? error?.message : error) ?? message;
    if (typeof reason === 'string') return reason.slice(0, MAX_REASON_CHARS);
  } catch {
    // not JSON: quoted verbatim
  }
  return text.slice(0, MAX_REASON_CHARS);
}

/** Parses `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3), to milliseconds. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
