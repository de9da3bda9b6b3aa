import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Maximum duration of an idle turn of the event loop. Milliseconds. */
const IDLE_TURN_MS = 1;
/** Maximum turns to wait for an idle one. */
const MAX_TURNS = 200;
/**
 * Time after which a connection without a single received byte is closed. Clients open connections in advance and may never
 * send a request on them. Milliseconds.
 */
const UNUSED_CONNECTION_TIMEOUT_MS = 1000;

/**
 * Prepares a graceful close of the app's port and connections that loses no request. Call it before the app listens.
 * @param options.late aborts the remaining connections
 * @returns closes the port and waits for open requests
 */
export function httpCloser(app: FastifyInstance, { late }: { late: AbortSignal }): () => Promise<void> {
  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return async () => {
    const cutOff = () => app.server.closeAllConnections();
    if (late.aborted) cutOff();
    late.addEventListener('abort', cutOff);
    await idleTurn();
    const closed = once(app.server, 'close');
    app.server.close();
    const timer = setTimeout(() => {
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    }, UNUSED_CONNECTION_TIMEOUT_MS);
    await app.close();
    await closed;
    clearTimeout(timer);
  };
}

/**
 * Waits for an idle turn of the event loop: by then, pending connections are accepted and received data is read. Closing the
 * port resets connections that the kernel has not handed over yet. A busy server has no idle turn, so the wait is bounded.
 */
async function idleTurn(): Promise<void> {
  await setImmediate();
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const started = performance.now();
    await setImmediate();
    if (performance.now() - started < IDLE_TURN_MS) return;
  }
}
