import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way: nothing, or the connection ends in the middle, or a gateway answers. */
export type Fate = 'pass' | 'cut' | '503';

export interface FlakyProxy extends AsyncDisposable {
  readonly url: string;
  /** Where requests go; to be set before the first. */
  target: string;
  /** How many requests had each fate. */
  readonly fates: Record<Fate, number>;
}

/** A reverse proxy that breaks requests as `fateOf` says, after part of their body has gone through. */
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
