import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AssetService } from '../../assets/service.ts';
import { BlobNotFound } from '../../blobs/store.ts';
import { ReelvecError } from '../../errors.ts';
import { baseUrl } from '../base-url.ts';
import { errorBody } from '../errors.ts';
import { linkQuery, type SignedLinks } from '../signed-links.ts';
import { AssetId, Jpeg } from './schemas.ts';

/** How long a link to a thumbnail holds at least; twice that at most, so that it can be kept by who shows it. */
const LINK_MS = 24 * 3_600_000;

export interface ThumbnailDeps {
  readonly assets: AssetService;
  readonly links: SignedLinks;
  /** Where clients reach the server; without it, the host that a request names. */
  readonly publicUrl?: string;
}

/** Gives pictures of assets by signed URLs, without a key. To be registered where none is asked for. */
export const getThumbnail: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, { assets, links }) => {
  app.get(
    '/assets/:asset_id/thumbnail',
    {
      schema: {
        operationId: 'retrieveThumbnail',
        summary: 'The picture of an asset, by the URL that the asset gives',
        tags: ['assets'],
        security: [],
        params: AssetId,
        querystring: linkQuery,
        response: { 400: errorBody, 403: errorBody, 404: errorBody, 500: errorBody, 200: Jpeg },
      },
    },
    async ({ params: { asset_id: id }, query }, reply) => {
      links.check('GET', thumbnailPath(app.prefix, id), query);
      const picture = assets.thumbnail(id);
      // Whether it is there shows when it is opened, and then it is not too late for an answer.
      await new Promise((resolve, reject) => picture.once('readable', resolve).once('error', reject)).catch((error) => {
        throw error instanceof BlobNotFound ? gone(id) : error;
      });
      return reply.header('cache-control', 'private, max-age=86400').type('image/jpeg').send(picture);
    },
  );
};

/** Gives the URLs that `getThumbnail` takes. */
export function thumbnailUrls(
  request: FastifyRequest,
  { links, publicUrl }: Omit<ThumbnailDeps, 'assets'>,
): (assetId: string) => string {
  const base = baseUrl(request, publicUrl);
  const expires = new Date((Math.floor(Date.now() / LINK_MS) + 2) * LINK_MS);
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
