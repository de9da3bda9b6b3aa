import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ReelvecError } from '../../../errors.ts';
import { errorBody } from '../../errors.ts';
import { hangUpSignal } from '../../hang-up.ts';
import { linkQuery } from '../../signed-links.ts';
import type { MultipartDeps } from './deps.ts';
import { chunkPath } from './links.ts';
import { chunkParams } from './schemas.ts';

/** Receives chunks by signed URL. Register it where no API key is required. */
export const uploadChunkRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, { multipart, links }) => {
  // A chunk is streamed as bytes, whatever its content type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.put(
    '/assets/multipart-uploads/:upload_id/chunks/:chunk_index',
    {
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        operationId: 'uploadChunk',
        summary: 'Send a chunk to its signed URL',
        description: 'The body is the bytes of the chunk. Its `ETag` proves that it is stored.',
        tags: ['assets'],
        security: [],
        consumes: ['application/octet-stream'],
        params: chunkParams,
        querystring: linkQuery,
        response: {
          400: errorBody,
          403: errorBody,
          404: errorBody,
          409: errorBody,
          500: errorBody,
          200: z.undefined(),
        },
      },
    },
    async (request, reply) => {
      const { upload_id: id, chunk_index: number } = request.params;
      const signal = hangUpSignal(reply);
      try {
        links.check('PUT', chunkPath(app.prefix, id, number), request.query);
        request.event.uploadId = id;
        const { raw } = request;
        const receivedBytes = () => (raw.readableFlowing && !raw.complete ? raw.socket.bytesRead : undefined);
        const { etag } = await multipart.receive({ id, number }, raw, { signal, receivedBytes });
        return reply.header('etag', `"${etag}"`).code(200).send();
      } catch (error) {
        if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ECONNRESET') throw brokenOff(error);
        throw error;
      }
    },
  );
};

function brokenOff(cause: unknown): ReelvecError {
  const message = 'The connection ended before the chunk did.';
  return new ReelvecError('request_canceled_or_timed_out', message, { cause });
}
