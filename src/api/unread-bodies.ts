import type { FastifyInstance } from 'fastify';

/** Bytes of a body that are read and thrown away after an early answer; more than the largest direct upload has. */
const MAX_DISCARDED_BYTES = 256 * 1024 ** 2;
/** Time in which a client must have sent the rest of a body that was answered early, in milliseconds. */
const MAX_DISCARD_MS = 60_000;

/**
 * Reads the rest of a body that is answered before its end, and throws it away, so that the client gets to read the
 * answer. Many clients send the whole body first; with the connection closed under them they report a reset instead of
 * the error. A body that is larger or slower than the bounds is cut off after its answer.
 */
export function discardUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', async ({ raw }, reply) => {
    if (raw.complete || raw.readableEnded || raw.destroyed) return;
    // Fastify sets it when a body is too large. Node then closes at once, and the kernel resets what is still coming.
    reply.removeHeader('connection');
    const cutOff = () => raw.destroy();
    const timer = setTimeout(cutOff, MAX_DISCARD_MS);
    let bytes = 0;
    // Once the response is out, Node no longer tells the request that its connection is gone.
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
