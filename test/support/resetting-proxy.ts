import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** TCP proxy that resets its connections on demand, as a failing load balancer or firewall does. */
export interface ResettingProxy extends AsyncDisposable {
  readonly port: number;
  /** Resets all connections of clients. @returns their number */
  resetAll(): number;
  /** Resets one connection, chosen at random. @returns false if there is none */
  resetOne(): boolean;
}

/** Starts a proxy to a port of this machine. */
export async function resettingProxy(targetPort: number): Promise<ResettingProxy> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    clients.add(client);
    for (const socket of [client, target]) socket.on('error', () => {});
    client.on('close', () => {
      clients.delete(client);
      target.destroy();
    });
    target.on('close', () => client.destroy());
    client.pipe(target).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = (sockets: readonly Socket[]) => {
    for (const socket of sockets) {
      clients.delete(socket);
      socket.resetAndDestroy();
    }
    return sockets.length;
  };
  return {
    port: (server.address() as AddressInfo).port,
    resetAll: () => reset([...clients]),
    resetOne: () => reset([...clients].toSorted(() => Math.random() - 0.5).slice(0, 1)) > 0,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
