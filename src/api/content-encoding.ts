import type { FastifyInstance } from 'fastify';
import { ReelvecError } from '../errors.ts';

/**
 * Refuses compressed request bodies with 415: a few kilobytes could inflate to hundreds of megabytes, and media is
 * already compressed. The `Accept-Encoding` response header lists the accepted encodings (RFC 9110, section 12.5.3).
 */
export function refuseContentEncodings(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const encoding = request.headers['content-encoding']?.trim() ?? '';
    if (encoding === '' || encoding.toLowerCase() === 'identity') return;
    reply.header('accept-encoding', 'identity');
    throw new ReelvecError(
      'unsupported_media_type',
      `Content-Encoding "${encoding.slice(0, 50)}" is not accepted. Send the body uncompressed, without Content-Encoding.`,
      { details: { field: 'Content-Encoding', value: encoding.slice(0, 50), allowed: ['identity'] } },
    );
  });
}
