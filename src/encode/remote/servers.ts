import { Pool } from 'undici';

/** Options for the connections to inference servers. */
export interface ServersOptions {
  /** Base URLs. Every server has every model. */
  readonly urls: readonly string[];
  /** Value of the `Authorization` header. */
  readonly authorization?: string | undefined;
  /** Maximum number of concurrent requests per server. */
  readonly inFlight: number;
  /** Timeout of a request, in milliseconds. */
  readonly timeoutMs: number;
  /** Path that answers 200 when a server is ready, relative to the base URL. */
  readonly healthPath: string;
}

/** An HTTP request, relative to a server's base URL. */
export interface ServerRequest {
  readonly method: 'GET' | 'POST';
  /** Path relative to the base URL, such as `v2/health/ready`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A complete HTTP response. */
export interface ServerAnswer {
  readonly status: number;
  /** Value of a header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

/** Interval of health checks of a failed server, in milliseconds. */
const HEALTH_CHECK_INTERVAL_MS = 1000;
/** Timeout of a connection attempt, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5000;
/** Maximum size of a response, in bytes. Far more than the vectors of any batch. */
const MAX_ANSWER_BYTES = 512 * 1024 ** 2;
/**
 * Idle time after which a connection is closed, in milliseconds. Below the 5 s of most servers, so that no request
 * meets a closing connection.
 */
const KEEP_ALIVE_MS = 4000;

/** One inference server: its connection pool, load and health. */
export class Server {
  readonly url: string;
  readonly #base: URL;
  readonly #options: ServersOptions;
  #pool: Pool | undefined;
  #load = 0;
  /** True from a failure until a health check succeeds. */
  #isDown = false;
  /** End of the pause that the server requested, on the clock of `performance.now()`. */
  #pausedUntil = 0;
  #healthCheck: NodeJS.Timeout | undefined;

  constructor(url: string, options: ServersOptions) {
    this.url = url;
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#options = options;
  }

  /** Number of requests in flight or queued for a connection. */
  get load(): number {
    return this.#load;
  }

  /** True unless the server is down or paused. `now` is a time of `performance.now()`. */
  isReady(now: number): boolean {
    return !this.#isDown && now >= this.#pausedUntil;
  }

  /** Sends no requests for `ms` milliseconds, as the server has requested. */
  pauseFor(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
  }

  /** Sends only health checks until one succeeds. */
  markDown(): void {
    this.#isDown = true;
    this.#healthCheck ??= setInterval(() => this.#checkHealth(), HEALTH_CHECK_INTERVAL_MS);
    this.#healthCheck.unref();
  }

  /**
   * Sends one request, without retries.
   * @throws undici's errors, `TimeoutError` after `timeoutMs`, or the signal's reason
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

  /** Closes the connections and stops health checks. A later request opens new connections. */
  async close(): Promise<void> {
    clearInterval(this.#healthCheck);
    this.#healthCheck = undefined;
    this.#isDown = false;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #checkHealth(): Promise<void> {
    const answer = await this.request({ method: 'GET', path: this.#options.healthPath }).catch(() => undefined);
    if (answer?.status !== 200) return;
    this.#isDown = false;
    clearInterval(this.#healthCheck);
    this.#healthCheck = undefined;
  }
}
