import type { FastifyInstance } from 'fastify';

/** Maximum bytes discarded from a body after an early response. More than the default limit of direct uploads. */
const MAX_DISCARDED_BYTES = 256 * 1024 ** 2;
/** Maximum time to discard a body after an early response, in milliseconds. */
const DISCARD_TIMEOUT_MS = 60_000;

/**
 * Discards the rest of a body that is answered before its end, so that the client can read the response. Many clients
 * send the whole body first, and report a connection reset instead of the error if the connection is closed. A body
 * over the size or time limit is cut off after the response.
 */
export function discardUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', async ({ raw }, reply) => {
    if (raw.complete || raw.readableEnded || raw.destroyed) return;
    // Fastify sets it for a body over the limit. Node would then close at once, and the kernel would reset the
    // connection.
    reply.removeHeader('connection');
    const cutOff = () => raw.destroy();
    const timer = setTimeout(cutOff, DISCARD_TIMEOUT_MS);
    let bytes = 0;
    // Once the response is sent, Node emits no close event on the request when the connection closes.
    const { socket } = raw;
    const done = () => {
      clearTimeout(timer);
      socket.off('close', done);
    };
    socket.once('close', done);
    raw.once('end', done).once('close', done);
    raw.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > MAX_DISCARDED_BYTES) cutOff();
    });
    raw.unpipe();
    raw.resume();
  });
}
