import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** A turn of the event loop that took no longer had next to nothing to do. Milliseconds. */
const QUIET_MS = 1;
const TURNS = 200;
/** Clients open connections in advance. One on which nothing was sent for so long brings no request. Milliseconds. */
const SILENT_MS = 1000;

/**
 * How an app's port and connections are closed so that no request is lost. To be called before the app listens.
 * @param options.late when it is aborted, clients that are still waited for are cut off
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
    await quietTurn();
    const closed = once(app.server, 'close');
    app.server.close();
    const timer = setTimeout(() => {
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    }, SILENT_MS);
    await app.close();
    await closed;
    clearTimeout(timer);
  };
}

/**
 * Waits for a turn of the event loop with next to nothing to do: what clients had sent, and connections that they had made,
 * have been taken in then. Closing breaks off whoever is still on the way through the system. A server that is busy all
 * the while has no such turn: after some the wait is over all the same.
 */
async function quietTurn(): Promise<void> {
  await setImmediate();
  for (let turn = 0; turn < TURNS; turn++) {
    const started = performance.now();
    await setImmediate();
    if (performance.now() - started < QUIET_MS) return;
  }
}
