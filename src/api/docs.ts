import { readFileSync } from 'node:fs';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { baseUrl } from './base-url.ts';

/**
 * Content Security Policy of `/docs`: this server's own files. It omits `upgrade-insecure-requests`, which breaks the
 * page on a server without TLS; browsers exempt only localhost.
 */
const CONTENT_SECURITY_POLICY = {
  'default-src': "'self'",
  'base-uri': "'self'",
  'frame-ancestors': "'self'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'script-src-attr': "'none'",
};

interface DocsDeps {
  readonly publicUrl?: string;
  readonly version: string;
}

/** Registers `/docs`, the API explorer, and `/`, which redirects browsers to it. Call it after `installOpenApi`. */
export async function installDocs(app: FastifyInstance, { publicUrl, version }: DocsDeps): Promise<void> {
  const logo = readFileSync(new URL('./logo.svg', import.meta.url));
  const type = 'image/svg+xml';
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // The default validator is an external service.
    uiConfig: { validatorUrl: null, deepLinking: true, tryItOutEnabled: true },
    staticCSP: CONTENT_SECURITY_POLICY,
    logo: { type, content: logo },
    theme: {
      title: 'reelvec API',
      favicon: [{ filename: 'logo.svg', rel: 'icon', sizes: 'any', type, content: logo.toString() }],
    },
  });
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    reply.header('vary', 'accept');
    if (/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.redirect('/docs');
    const url = baseUrl(request, publicUrl);
    return { name: 'reelvec', version, api: `${url}/v1.3`, docs: `${url}/docs`, openapi: `${url}/openapi.json` };
  });
}
