import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AssetService } from '../../assets/service.ts';
import { BlobNotFound } from '../../blobs/store.ts';
import { ReelvecError } from '../../errors.ts';
import { baseUrl } from '../base-url.ts';
import { errorBody } from '../errors.ts';
import { linkQuery, type SignedLinks } from '../signed-links.ts';
import { assetParams, jpeg } from './schemas.ts';

/**
 * Minimum validity of a thumbnail link in milliseconds. The maximum is twice that, so that the link is stable for
 * caches.
 */
const MIN_LINK_VALIDITY_MS = 24 * 3_600_000;

export interface ThumbnailDeps {
  readonly assets: AssetService;
  readonly links: SignedLinks;
  /** URL under which clients reach the server; default: the host of the request. */
  readonly publicUrl?: string;
}

/** Serves thumbnails by signed URL. Register it where no API key is required. */
export const retrieveThumbnailRoute: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, { assets, links }) => {
  app.get(
    '/assets/:asset_id/thumbnail',
    {
      schema: {
        operationId: 'retrieveThumbnail',
        summary: 'Retrieve the thumbnail of an asset by its signed URL',
        tags: ['assets'],
        security: [],
        params: assetParams,
        querystring: linkQuery,
        response: { 400: errorBody, 403: errorBody, 404: errorBody, 500: errorBody, 200: jpeg },
      },
    },
    async ({ params: { asset_id: id }, query }, reply) => {
      links.check('GET', thumbnailPath(app.prefix, id), query);
      const picture = assets.thumbnail(id);
      // Waits for the file to open, so that a missing one still gets an error response.
      await new Promise((resolve, reject) => picture.once('readable', resolve).once('error', reject)).catch((error) => {
        throw error instanceof BlobNotFound ? gone(id) : error;
      });
      return reply.header('cache-control', 'private, max-age=86400').type('image/jpeg').send(picture);
    },
  );
};

/** Returns a function that signs thumbnail URLs for {@link retrieveThumbnailRoute}. */
export function thumbnailUrls(
  request: FastifyRequest,
  { links, publicUrl }: Omit<ThumbnailDeps, 'assets'>,
): (assetId: string) => string {
  const base = baseUrl(request, publicUrl);
  const expires = new Date((Math.floor(Date.now() / MIN_LINK_VALIDITY_MS) + 2) * MIN_LINK_VALIDITY_MS);
  return (assetId) => base + links.sign('GET', thumbnailPath(request.server.prefix, assetId), expires);
}

function thumbnailPath(prefix: string, assetId: string): string {
  return `${prefix}/assets/${assetId}/thumbnail`;
}

function gone(id: string): ReelvecError {
  return new ReelvecError(
    'resource_not_exist',
    `There is no picture of the asset ${id}: the asset was deleted, or the picture is missing from the server's store.`,
  );
}
