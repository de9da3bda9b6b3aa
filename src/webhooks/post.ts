import { STATUS_CODES } from 'node:http';
import { Agent } from 'undici';
import type { AllowList } from '../http/addresses.ts';
import { guardedConnector } from '../http/connect.ts';
import { toHttpFailure } from '../http/failure.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** A receiver says that it has the event; what it does with it is for afterwards. */
const ANSWER_TIMEOUT_MS = 15_000;

/** How an attempt ended, in words for the record; `taken` when the receiver answered 2xx. */
export interface Outcome {
  readonly taken: boolean;
  readonly text: string;
}

/** Posts to webhooks, under the same rules as sources are read: private addresses only where they are allowed. */
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

  /** One attempt. Redirects are not followed: the signature is for the URL that was configured. */
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
      // Nobody reads the answer; a long one costs the connection.
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
