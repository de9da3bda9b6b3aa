import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const SECRET = 'a secret of sixteen or more characters';

export interface Received {
  readonly path: string;
  readonly signature: string;
  readonly body: string;
  readonly atMs: number;
}

/** Webhook receiver with programmable answers. */
export async function receiver(answer: (received: Received, count: number) => number) {
  const all: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const received = {
      path: request.url!,
      signature: String(request.headers['tl-signature']),
      body,
      atMs: Date.now(),
    };
    all.push(received);
    const status = answer(received, all.length);
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, { location: '/elsewhere' }).end('thank you');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    all,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

export function checkSignature({ signature, body, atMs }: Received): void {
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  assert.equal(v1, createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex'));
  assert.ok(Math.abs(Number(t) * 1000 - atMs) < 5000, 'signed now');
}
