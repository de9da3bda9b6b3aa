import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { baseUrl } from '../../base-url.ts';
import { commonErrors, errorBody } from '../../errors.ts';
import type { MultipartDeps } from './deps.ts';
import { reportChunksBody, reportedChunks, uploadParams } from './schemas.ts';

export const reportChunksRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, { multipart, publicUrl }) => {
  app.post(
    '/assets/multipart-uploads/:upload_id',
    {
      schema: {
        operationId: 'reportChunks',
        summary: 'Report chunks that were sent; with the last one the upload becomes an asset',
        tags: ['assets'],
        params: uploadParams,
        body: reportChunksBody,
        response: { ...commonErrors, 404: errorBody, 200: reportedChunks },
      },
    },
    async (request) => {
      const upload = await multipart.get(request.params.upload_id, request.owner);
      const chunks = request.body.completed_chunks.map(({ chunk_index: number, chunk_size: size, proof }) => ({
        number,
        size,
        proof,
      }));
      const { processed, duplicates, totalCompleted, complete } = await multipart.report(upload, chunks);
      return {
        asset_id: upload.assetId,
        processed_chunks: processed,
        duplicate_chunks: duplicates,
        total_completed: totalCompleted,
        ...(complete && { url: `${baseUrl(request, publicUrl)}${app.prefix}/assets/${upload.assetId}` }),
      };
    },
  );
};
