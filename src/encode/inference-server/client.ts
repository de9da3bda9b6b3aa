import { setTimeout as sleep } from 'node:timers/promises';
import { Server, type ServerAnswer, type ServerRequest, type ServersOptions } from './servers.ts';

/** All servers failed for longer than is worth waiting: the work is to be tried again later, and is not at fault. */
export class InferenceServerUnavailable extends Error {
  override name = 'InferenceServerUnavailable';
}

/** A server refused a request for good. */
export class InferenceServerRefusal extends Error {
  override name = 'InferenceServerRefusal';
}

export interface ClientOptions extends ServersOptions {
  /** How long a request is tried again before it is given up, in milliseconds. */
  readonly patienceMs: number;
}

/** Pause after the first round of failures, and the longest, in milliseconds. */
const FIRST_RETRY_DELAY_MS = 200;
const MAX_RETRY_DELAY_MS = 5000;
/** What a server answers that is overloaded, or behind a proxy that does not reach it. */
const TRANSIENT_STATUSES = new Set([429, 502, 503, 504]);
/** How much of a refusal is told, in characters. */
const MAX_REASON_CHARS = 500;

/**
 * Sends requests to whichever server is ready and has least to do. What fails for a passing reason goes to another
 * server at once, and after all have failed again after a pause that grows and is drawn by lot (Brooker, *Exponential
 * backoff and jitter*, 2015), or that a server asked for. Inference has no side effects, so a request whose answer was
 * lost can be sent again.
 */
export class InferenceClient {
  readonly #servers: readonly Server[];
  readonly #options: ClientOptions;
  #turn = 0;

  /** @throws {Error} without any server */
  constructor(options: ClientOptions) {
    if (options.urls.length === 0) {
      throw new Error('The bundle has models on inference servers. Set REELVEC_INFERENCE_URLS to where those are.');
    }
    this.#options = options;
    this.#servers = options.urls.map((url) => new Server(url, options));
  }

  /**
   * @returns an answer of status 200
   * @throws {InferenceServerUnavailable} when no server answers for as long as patience lasts
   * @throws {InferenceServerRefusal} for a status that another attempt would meet again
   * @throws the signal's reason
   */
  async send(request: ServerRequest): Promise<ServerAnswer> {
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

  /** Gives up all connections; a later request opens new ones. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** The least busy of the servers that are ready and have not failed yet; when there is none, the next in turn. */
  #choose(failed: ReadonlySet<Server>): Server {
    const now = performance.now();
    const turn = this.#turn++;
    const inTurn = this.#servers.map((_, i) => this.#servers[(turn + i) % this.#servers.length]!);
    const ready = inTurn.filter((server) => !failed.has(server) && server.isReady(now));
    return ready.toSorted((a, b) => a.load - b.load)[0] ?? inTurn.find((server) => !failed.has(server)) ?? inTurn[0]!;
  }

  #unavailable(reason: string): InferenceServerUnavailable {
    const { urls, patienceMs } = this.#options;
    return new InferenceServerUnavailable(
      `No inference server answered within ${patienceMs / 1000} s (${urls.join(', ')}). The last one: ${reason}`,
    );
  }
}

type Outcome = { readonly answer: ServerAnswer } | { readonly reason: string; readonly pauseMs?: number | undefined };

/** One request to one server, which is left alone for a while if that fails. */
async function attempt(server: Server, request: ServerRequest): Promise<Outcome> {
  let answer: ServerAnswer;
  try {
    answer = await server.request(request);
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

/** The protocol has `{"error": "…"}`; proxies have what they like. */
function refusalText(body: Uint8Array): string {
  const text = Buffer.from(body).toString('utf8');
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, MAX_REASON_CHARS);
  } catch {
    // told as it is
  }
  return text.slice(0, MAX_REASON_CHARS);
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
