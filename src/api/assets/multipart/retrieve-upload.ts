import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors, errorBody } from '../../errors.ts';
import { describePage, pageBounds, pageQuery } from '../../page.ts';
import type { MultipartDeps } from './deps.ts';
import { retrievedUpload, uploadParams } from './schemas.ts';

export const retrieveUploadRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, { multipart }) => {
  app.get(
    '/assets/multipart-uploads/:upload_id',
    {
      schema: {
        operationId: 'retrieveMultipartUpload',
        summary: 'Retrieve the progress of an upload, chunk by chunk',
        tags: ['assets'],
        params: uploadParams,
        querystring: z.strictObject(pageQuery),
        response: { ...commonErrors, 404: errorBody, 200: retrievedUpload },
      },
    },
    async ({ owner, params, query }) => {
      const upload = await multipart.get(params.upload_id, owner);
      const { chunks, completed, total } = await multipart.chunks(upload, pageBounds(query));
      const over = upload.status === 'active' && Date.parse(upload.expiresAt) <= Date.now();
      return {
        upload_id: upload.id,
        asset_id: upload.assetId,
        status: over ? ('expired' as const) : upload.status,
        uploaded_chunks: chunks.map(({ number, stored }) => ({
          index: number,
          status: stored?.completedAt ? ('completed' as const) : ('pending' as const),
          uploaded_at: stored?.storedAt ?? null,
          updated_at: stored?.completedAt ?? stored?.storedAt ?? upload.createdAt,
        })),
        chunks_completed: completed.chunks,
        chunks_failed: 0,
        chunks_pending: total - completed.chunks,
        total_size: upload.totalSize,
        uploaded_size: completed.bytes,
        created_at: upload.createdAt,
        updated_at: upload.updatedAt,
        expires_at: upload.expiresAt,
        page_info: describePage(query, total),
      };
    },
  );
};
