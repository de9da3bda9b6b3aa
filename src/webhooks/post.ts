import { STATUS_CODES } from 'node:http';
import { Agent } from 'undici';
import type { AllowList } from '../http/addresses.ts';
import { guardedConnector } from '../http/connect.ts';
import { toHttpFailure } from '../http/failure.ts';

/** Time limit of a connection attempt. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Time limit for the response, and for each piece of its body. Receivers should acknowledge first and process later. */
const ANSWER_TIMEOUT_MS = 15_000;

/** Outcome of an attempt. */
export interface Outcome {
  /** True if the receiver answered 2xx. */
  readonly taken: boolean;
  /** Description for operators. */
  readonly text: string;
}

/** HTTP client for webhooks. The address rules of sources apply: private addresses must be allowed. */
export class WebhookClient {
  readonly #agent: Agent;

  constructor({ allow }: { allow: AllowList }) {
    this.#agent = new Agent({
      connect: guardedConnector({ allow, timeoutMs: CONNECT_TIMEOUT_MS }),
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      allowH2: false,
    });
  }

  /**
   * Makes one attempt. Redirects are not followed, because the signature is meant for the configured URL.
   * @throws the signal's reason
   */
  async post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Outcome> {
    try {
      const response = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'reelvec', ...headers },
        body,
        signal,
      });
      // The body is not used. A long one closes the connection.
      await response.body.dump({ limit: 64 * 1024, signal }).catch(() => {});
      const { statusCode: status } = response;
      const text = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
      return { taken: status >= 200 && status < 300, text };
    } catch (error) {
      signal.throwIfAborted();
      return { taken: false, text: toHttpFailure(error).message };
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
