import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { describeAnswers } from './answers.ts';
import { addExamples } from './examples.ts';
import { allowNulls, nameSchemas } from './schemas.ts';
import type { Document } from './types.ts';

const DESCRIPTION = `Embeddings of video and audio on your own machine, through the TwelveLabs v1.3 API.

Every error body is \`{code, message, details?, error: {code, message, details?}}\`. \`null\` means absent everywhere.`;

/** Registers `/openapi.json`, generated from the schemas of all routes. */
export async function installOpenApi(
  app: FastifyInstance,
  { version, publicUrl }: { readonly version: string; readonly publicUrl?: string },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'reelvec',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'embed-v2', description: 'Vectors of video and audio' },
        { name: 'embed', description: 'The first version of the Embed API, for older clients' },
        { name: 'openai', description: 'Embeddings in the shape of the OpenAI API' },
        { name: 'assets', description: 'Media kept for use in tasks' },
        { name: 'operations', description: 'Health, readiness and metrics, for operators' },
      ],
      // Without a public URL, the server URL is relative to the document.
      servers: [{ url: publicUrl?.replace(/\/+$/, '') ?? '/' }],
      components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-api-key' } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (given) => complete((given as unknown as { openapiObject: Document }).openapiObject) as never,
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

function complete(document: Document): Document {
  document.components.schemas ??= {};
  allowNulls(document);
  nameSchemas(document);
  describeAnswers(document);
  addExamples(document);
  return document;
}
