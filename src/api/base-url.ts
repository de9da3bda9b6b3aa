import type { FastifyRequest } from 'fastify';

/** Under which URL the client reaches the server, without a slash at the end: as configured, or as it asked. */
export function baseUrl(request: FastifyRequest, publicUrl: string | undefined): string {
  return publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
}
