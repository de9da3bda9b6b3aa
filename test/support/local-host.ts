import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseAllowList } from '../../src/http/addresses.ts';
import { UrlGuard, type UrlGuardOptions } from '../../src/sources/url-guard.ts';

/** Starts a web server on a free port of 127.0.0.1, and a guard that may reach it. */
export async function localHost(
  answer: RequestListener,
  options: Partial<UrlGuardOptions> = {},
): Promise<
  { url: (path: string) => URL; port: number; guard: UrlGuard; requests: IncomingMessage[] } & AsyncDisposable
> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    // Half of these tests have a client that disconnects during a response.
    response.on('error', () => {});
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const guard = new UrlGuard({ allow: parseAllowList([`127.0.0.1:${port}`]), retryDelayMs: 1, ...options });
  return {
    url: (path) => new URL(path, `http://127.0.0.1:${port}`),
    port,
    guard,
    requests,
    async [Symbol.asyncDispose]() {
      await guard.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Sends the first bytes of a longer declared body, then closes the connection. */
export function breakOff(response: ServerResponse, sent: Uint8Array): void {
  response.write(sent, () => setTimeout(() => response.destroy(), 5));
}
