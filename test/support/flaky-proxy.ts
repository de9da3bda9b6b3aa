import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Fate of a request: passed on, connection cut in the middle, or answered by a gateway. */
export type Fate = 'pass' | 'cut' | '503';

export interface FlakyProxy extends AsyncDisposable {
  readonly url: string;
  /** URL of the server. Set it before the first request. */
  target: string;
  /** Number of requests by fate. */
  readonly fates: Record<Fate, number>;
}

/** Starts a reverse proxy that breaks requests as `fateOf` decides, after part of their body went through. */
export async function flakyProxy(fateOf: (method: string, path: string) => Fate): Promise<FlakyProxy> {
  const fates = { pass: 0, cut: 0, '503': 0 };
  const server = createServer((incoming, answer) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const fate = fateOf(method, path);
    fates[fate]++;
    if (fate === '503') {
      incoming.resume().on('end', () => answer.writeHead(503).end('busy'));
      return;
    }
    const onward = httpRequest(new URL(path, proxy.target), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.on('error', () => onward.destroy());
    let passed = 0;
    incoming.on('data', (bytes: Buffer) => {
      passed += bytes.length;
      if (fate !== 'cut' || passed < 1_000_000) return;
      onward.destroy();
      incoming.destroy();
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FlakyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    fates,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
