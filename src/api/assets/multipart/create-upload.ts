import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { chunkCount, type MultipartUpload } from '../../../assets/multipart/upload.ts';
import { commonErrors, errorBody } from '../../errors.ts';
import { createOnce, idempotencyHeaders } from '../../idempotency.ts';
import type { MultipartDeps } from './deps.ts';
import { chunkLinks } from './links.ts';
import { createdUpload, createUploadBody, MAX_LINKS } from './schemas.ts';

export const createUploadRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, deps) => {
  app.post(
    '/assets/multipart-uploads',
    {
      schema: {
        operationId: 'createMultipartUpload',
        summary: 'Begin an upload in chunks',
        tags: ['assets'],
        headers: idempotencyHeaders,
        body: createUploadBody,
        response: { ...commonErrors, 409: errorBody, 403: errorBody, 201: createdUpload },
      },
    },
    async (request, reply) => {
      const { filename, type, total_size: totalSize, user_metadata: userMetadata, ...flags } = request.body;
      const assetOptions = { userMetadata, hls: flags.enable_hls, thumbnail: flags.enable_thumbnail };
      // A repeated request gets the same id but newly signed links, because the first ones expire.
      const wish = { content: request.body, answer: ({ id }: MultipartUpload) => ({ id }) };
      const { id } = await createOnce(deps.idempotency, { request, reply }, wish, (onCreated) =>
        deps.multipart.create({ owner: request.owner, filename, type, totalSize, assetOptions }, onCreated),
      );
      request.event.uploadId = id;
      const upload = await deps.multipart.get(id, request.owner);
      const places = await deps.multipart.chunkTargets(upload, { start: 1, count: MAX_LINKS });
      return reply.code(201).send({
        upload_id: upload.id,
        asset_id: upload.assetId,
        upload_urls: chunkLinks(request, deps, upload.id, places),
        upload_headers: { 'Content-Type': 'application/octet-stream' },
        chunk_size: upload.chunkSize,
        total_chunks: chunkCount(upload),
        expires_at: upload.expiresAt,
      });
    },
  );
};
