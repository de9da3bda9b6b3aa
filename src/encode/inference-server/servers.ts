import { Pool } from 'undici';

export interface ServersOptions {
  /** Base URLs; each serves every model. */
  readonly urls: readonly string[];
  /** Value of the `Authorization` header. */
  readonly authorization?: string | undefined;
  /** Requests to each server that may be under way at once. */
  readonly inFlight: number;
  /** Time for one answer, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ServerRequest {
  readonly method: 'GET' | 'POST';
  /** Behind the base URL: `v2/health/ready`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

export interface ServerAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

/** How often a server that failed is asked whether it is ready again, in milliseconds. */
const HEALTH_CHECK_INTERVAL_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
/** Far more than the vectors of any batch. */
const MAX_ANSWER_BYTES = 512 * 1024 ** 2;
/** An idle connection is given up before a server's usual 5 s are over: a request must not meet its end. */
const KEEP_ALIVE_MS = 4000;

/** One inference server: its connections, and whether it is worth asking. */
export class Server {
  readonly url: string;
  readonly #base: URL;
  readonly #options: ServersOptions;
  #pool: Pool | undefined;
  #load = 0;
  /** Since when it answers health checks only. */
  #isDown = false;
  #pausedUntil = 0;
  #healthCheck: NodeJS.Timeout | undefined;

  constructor(url: string, options: ServersOptions) {
    this.url = url;
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#options = options;
  }

  /** Requests under way or waiting for a connection. */
  get load(): number {
    return this.#load;
  }

  isReady(now: number): boolean {
    return !this.#isDown && now >= this.#pausedUntil;
  }

  /** Leaves it alone for a while, as it asked. */
  pauseFor(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
  }

  /** Leaves it alone until it says that it is ready. */
  markDown(): void {
    this.#isDown = true;
    this.#healthCheck ??= setInterval(() => this.#checkHealth(), HEALTH_CHECK_INTERVAL_MS);
    this.#healthCheck.unref();
  }

  /**
   * Sends one request, once.
   * @throws what undici throws, `TimeoutError` when the answer does not come in time, or the signal's reason
   */
  async request({ method, path, headers = {}, body, signal }: ServerRequest): Promise<ServerAnswer> {
    const { authorization, timeoutMs, inFlight } = this.#options;
    this.#pool ??= new Pool(this.#base.origin, {
      connections: inFlight,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
    const timeout = AbortSignal.timeout(timeoutMs);
    this.#load++;
    try {
      const answer = await this.#pool.request({
        method,
        path: new URL(path, this.#base).pathname,
        headers: { accept: '*/*', ...headers, ...(authorization !== undefined && { authorization }) },
        ...(body && { body }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      return {
        status: answer.statusCode,
        header: (name) => {
          const value = answer.headers[name];
          return typeof value === 'string' ? value : undefined;
        },
        body: await answer.body.bytes(),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      this.#load--;
    }
  }

  /** Gives up its connections; a later request opens new ones. */
  async close(): Promise<void> {
    clearInterval(this.#healthCheck);
    this.#healthCheck = undefined;
    this.#isDown = false;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #checkHealth(): Promise<void> {
    const answer = await this.request({ method: 'GET', path: 'v2/health/ready' }).catch(() => undefined);
    if (answer?.status !== 200) return;
    this.#isDown = false;
    clearInterval(this.#healthCheck);
    this.#healthCheck = undefined;
  }
}
