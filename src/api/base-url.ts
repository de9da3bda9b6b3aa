import type { FastifyRequest } from 'fastify';

/**
 * URL under which the client reaches the server, without a trailing slash: the configured one, or that of the request.
 */
export function baseUrl(request: FastifyRequest, publicUrl: string | undefined): string {
  return publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
}
