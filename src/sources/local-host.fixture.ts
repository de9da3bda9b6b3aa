import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseAllowList } from './addresses.ts';
import { openUrlGuard, type UrlGuard, type UrlGuardOptions } from './url.ts';

/** A web server on a free port of 127.0.0.1, and a guard that may reach it. */
export async function localHost(
  answer: RequestListener,
  options: Partial<UrlGuardOptions> = {},
): Promise<
  { url: (path: string) => URL; port: number; guard: UrlGuard; requests: IncomingMessage[] } & AsyncDisposable
> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    // A client that hangs up in the middle is what half of these tests are about.
    response.on('error', () => {});
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const guard = openUrlGuard({ allow: parseAllowList([`127.0.0.1:${port}`]), retryDelayMs: 1, ...options });
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

/** Sends so many bytes of a body that was announced as longer, then breaks the connection off. */
export function breakOff(response: ServerResponse, sent: Uint8Array): void {
  response.write(sent, () => setTimeout(() => response.destroy(), 5));
}
