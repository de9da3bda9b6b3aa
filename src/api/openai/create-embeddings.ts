import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DIMENSION } from '../../encode/encoder.ts';
import { ReelvecError, withFieldNames } from '../../errors.ts';
import type { QuerySource, VectorQuery } from '../../queries/request.ts';
import type { QueryService } from '../../queries/service.ts';
import { querySpaces } from '../../queries/spaces.ts';
import { checkText } from '../../queries/text.ts';
import { bundleId } from '../../tasks/embedding.ts';
import { vectorJson } from '../../tasks/results/json.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import { BODY_LIMIT } from '../embed-v2/create-task.ts';
import { createEmbeddingQuery } from '../embed-v2/schemas.ts';
import { sendError } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { inputsOf, type OpenAiInput, type OpenAiPart, openAiEmbeddingsBody } from './body.ts';
import { openAiError, renderOpenAiError } from './errors.ts';

const DESCRIPTION = `The shape of the OpenAI API, for text and images. The key goes into \`Authorization: Bearer\` or
\`x-api-key\`.

Where the text queries of the bundle lie in several spaces, text gets the vector that compares with pictures; \`?space=\`
picks another. Text has at most 500 tokens.`;

const createdOpenAiEmbeddings = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]).describe('L2 norm 1; a string for base64'),
      }),
    ),
    model: z.string(),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }).describe('tokens of the texts'),
  })
  .meta({ title: 'CreateOpenAiEmbeddingResponse' });

interface OpenAiDeps {
  readonly queries: QueryService;
  readonly modelNames: readonly string[];
}

/** `POST /embeddings`, whose errors have OpenAI's shape too. Expects `request.owner`. */
export const openAiEmbeddingsRoute: FastifyPluginAsyncZod<OpenAiDeps> = async (app, { queries, modelNames }) => {
  const { bundle } = queries;
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, renderOpenAiError));

  app.post(
    '/embeddings',
    {
      compress: COMPRESSION_OF_NUMBERS,
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: 'createOpenAiEmbeddings',
        summary: 'Embed texts and images',
        description: DESCRIPTION,
        tags: ['openai'],
        querystring: createEmbeddingQuery.pick({ space: true }),
        body: openAiEmbeddingsBody({ bundle, modelNames }),
        response: { 400: openAiError, 401: openAiError, 500: openAiError, 200: createdOpenAiEmbeddings },
      },
    },
    async ({ body, owner, query, event }, reply) => {
      const { model, encoding_format: format, dimensions: dimension = DIMENSION } = body;
      const inputs = inputsOf(body);
      event.inputs = inputs.length;
      const wanted = inputs.map((input) => toQuery(input, dimension, query.space));
      const context = { owner, signal: hangUpSignal(reply) };
      const answers = await queries.vectorsOfMany(wanted, context).catch((error) => {
        throw withFieldNames(error, namesOf(inputs));
      });
      const write = format === 'base64' ? vectorBase64 : vectorJson;
      const items = answers.map(
        ({ vectors }, index) => `{"object":"embedding","index":${index},"embedding":${write(vectors[0]!.embedding)}}`,
      );
      const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
      const tail = JSON.stringify({ model, usage: { prompt_tokens: tokens, total_tokens: tokens } }).slice(1);
      reply.header('reelvec-bundle', bundleId(bundle));
      // The reply is typed by the schema's object, but the handler sends JSON text.
      const written = reply.type('application/json; charset=utf-8') as unknown as FastifyReply;
      return written.send(`{"object":"list","data":[${items.join(',')}],${tail}`);
    },
  );

  function toQuery({ field, parts: given }: OpenAiInput, dimension: number, space?: string): VectorQuery {
    const texts = given.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
    const text = texts.join('\n');
    if (texts.length > 0) checkText(text, field);
    const pictures = given.flatMap((part) => (part.kind === 'picture' ? [{ ...part, source: sourceOf(part) }] : []));
    const found = spaceOf(field, { hasText: texts.length > 0, hasPicture: pictures.length > 0 }, space);
    const rest = pictures.values();
    const parts = bundle.takesJointInput
      ? given.map((part) => (part.kind === 'text' ? part : rest.next().value!))
      : // The vector is a mean, in which there is one text.
        [...pictures, ...(texts.length > 0 ? [{ kind: 'text' as const, text }] : [])];
    return { parts, textField: field, spaces: [found], dimension };
  }

  function spaceOf(field: string, kinds: { hasText: boolean; hasPicture: boolean }, space?: string): string {
    const inputType = kinds.hasPicture ? (kinds.hasText ? 'text_image' : 'image') : 'text';
    try {
      return querySpaces(bundle, { inputType, ...kinds, space })[0]!;
    } catch (error) {
      throw withFieldNames(error, { input_type: field });
    }
  }
};

/** Source of an image: a link, or base64 in a `data:` URL. */
function sourceOf({ field, url }: Extract<OpenAiPart, { kind: 'picture' }>): QuerySource {
  if (/^https?:/i.test(url)) return { kind: 'url', url };
  const [head] = /^data:[^,]*;base64,/i.exec(url) ?? [];
  if (head !== undefined) return { kind: 'base64', base64: url.slice(head.length) };
  const message = `${field} must be an http(s) URL, or a data: URL with base64.`;
  throw new ReelvecError('parameter_invalid', message, { details: { field } });
}

/** Paths of the images by the names that a media source would have. */
function namesOf(inputs: readonly OpenAiInput[]): Record<string, string> {
  const names = inputs.flatMap(({ parts }) =>
    parts.flatMap((part) =>
      part.kind === 'text'
        ? []
        : [`${part.field}.url`, `${part.field}.base64_string`].map((name) => [name, part.field]),
    ),
  );
  return Object.fromEntries(names);
}

function vectorBase64(vector: Float32Array): string {
  return `"${Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')}"`;
}
