import type { FastifyRequest } from 'fastify';
import type { ChunkTarget } from '../../../assets/multipart/service.ts';
import { baseUrl } from '../../base-url.ts';
import type { MultipartDeps } from './deps.ts';

/** Upload path of a chunk, with the version prefix. */
export function chunkPath(prefix: string, uploadId: string, number: number): string {
  return `${prefix}/assets/multipart-uploads/${uploadId}/chunks/${number}`;
}

/** API representation of chunk upload links: those of the store if it has any, else signed links of this server. */
export function chunkLinks(
  request: FastifyRequest,
  { links, publicUrl }: MultipartDeps,
  uploadId: string,
  places: readonly ChunkTarget[],
) {
  const base = baseUrl(request, publicUrl);
  const { prefix } = request.server;
  return places.map(({ number, url, expiresAt }) => ({
    chunk_index: number,
    url: url ?? base + links.sign('PUT', chunkPath(prefix, uploadId, number), expiresAt),
    expires_at: expiresAt.toISOString(),
  }));
}
