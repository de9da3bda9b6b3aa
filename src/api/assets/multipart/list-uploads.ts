import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { chunkCount } from '../../../assets/multipart/upload.ts';
import { commonErrors } from '../../errors.ts';
import { describePage, pageBounds, pageQuery } from '../../page.ts';
import type { MultipartDeps } from './deps.ts';
import { uploadPage } from './schemas.ts';

export const listUploadsRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, { multipart }) => {
  app.get(
    '/assets/multipart-uploads',
    {
      schema: {
        operationId: 'listMultipartUploads',
        summary: 'List your uploads that are not complete, newest first',
        tags: ['assets'],
        querystring: z.strictObject(pageQuery),
        response: { ...commonErrors, 200: uploadPage },
      },
    },
    async ({ owner, query }) => {
      const { uploads, total } = await multipart.listActive(owner, pageBounds(query));
      return {
        data: uploads.map((upload) => ({
          upload_id: upload.id,
          asset_id: upload.assetId,
          status: 'active' as const,
          filename: upload.filename,
          total_size: upload.totalSize,
          chunk_size: upload.chunkSize,
          total_chunks: chunkCount(upload),
          created_at: upload.createdAt,
          expires_at: upload.expiresAt,
        })),
        page_info: describePage(query, total),
      };
    },
  );
};
