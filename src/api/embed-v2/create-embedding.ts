import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { optionsIn } from '../../encode/spaces.ts';
import { ReelvecError } from '../../errors.ts';
import type { QueryVectorsAnswer } from '../../queries/query-vectors.ts';
import { bundleId } from '../../tasks/embedding.ts';
import { taskMetadata } from '../../tasks/metadata.ts';
import { embeddingsJson, vectorJson } from '../../tasks/results/json.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { setRateLimits } from '../rate-limits.ts';
import {
  type CreateEmbeddingBody,
  type CreateEmbeddingBody35,
  createEmbeddingBodies,
} from './create-embedding-body.ts';
import { BODY_LIMIT } from './create-task.ts';
import type { EmbedDeps } from './deps.ts';
import { EMBEDDING_EXAMPLES } from './examples.ts';
import { bodySchema, MARENGO_35, validateByModel } from './model-names.ts';
import { createdEmbedding, createEmbeddingQuery } from './schemas.ts';
import { withData } from './stream.ts';
import { toTaskRequest } from './task-request.ts';
import { toQuerySource, toVectorQuery } from './vector-query.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

const DESCRIPTION = `Answers in the response: one vector for text and images; for audio and video of up to 10 minutes those
of a task.

If the bundle embeds text queries in several spaces, \`text\` gives one item per space, that of pictures first,
with the name of the \`space\` and the options whose vectors are in it (\`compares_with\`). \`?space=\` selects one.

The header \`Reelvec-Bundle\` names the bundle that made the vectors, like \`metadata.bundle\` of a task. Vectors of different
bundles are not comparable: with \`?bundle=\`, a server with another bundle refuses the request.`;

type Body = CreateEmbeddingBody | CreateEmbeddingBody35;

export const createEmbeddingRoute: FastifyPluginAsyncZod<EmbedDeps> = async (
  app,
  { queries, quotas, modelNames, log },
) => {
  const { bundle } = queries;
  const served = { bundle, modelNames };
  const bodies = createEmbeddingBodies(served);
  app.addHook('preClose', async () => queries.close());

  app.post(
    '/embed-v2',
    {
      validatorCompiler: validateByModel(served, bodies),
      compress: COMPRESSION_OF_NUMBERS,
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: 'createEmbedding',
        summary: 'Embed text, an image, or short audio or video, and wait for it',
        description: DESCRIPTION,
        tags: ['embed-v2'],
        querystring: createEmbeddingQuery,
        body: bodySchema(served, bodies, EMBEDDING_EXAMPLES),
        response: {
          ...commonErrors,
          409: errorBody,
          413: errorBody,
          429: errorBody,
          503: errorBody,
          200: createdEmbedding,
        },
      },
    },
    async ({ body, owner, query, event, quotas: own }, reply) => {
      event.inputType = body.input_type;
      if (query.bundle !== undefined) requireServing(query.bundle);
      reply.header('reelvec-bundle', bundleId(bundle));
      const context = { owner, signal: hangUpSignal(reply) };
      // The reply is typed by the schema's object, but the handler sends JSON text.
      const written = reply.type(JSON_TYPE) as unknown as FastifyReply;
      if (body.input_type !== 'audio' && body.input_type !== 'video') {
        const answer = await queries.vectors(toVectorQuery(body, bundle, query.space), context);
        return written.send(vectorsJson(body, answer));
      }
      if (query.space !== undefined) throw spaceOfMedia(body.input_type);
      const { request } = toTaskRequest({ ...body, input_type: body.input_type }, bundle);
      const source = toQuerySource(body[body.input_type]!.media_source);
      const answer = await queries.media({ request, source }, context);
      // The rows are read while they are sent, so the scratch folder is released when the response is closed.
      const release = async () => {
        await using _held = answer;
      };
      reply.raw.once('close', () => release().catch((err) => log.error({ err }, 'scratch folder not removed')));
      if (context.signal.aborted) await release();
      context.signal.throwIfAborted();
      setRateLimits(reply, await quotas.rates(owner, quotas.limits(own)));
      const metadata = { ...taskMetadata(answer), bundle: bundleId(bundle) };
      const facts = { metadata, warnings: answer.warnings };
      return written.send(await withData(facts, embeddingsJson(answer.rows())));
    },
  );

  /** Refuses a request for another bundle, whose vectors do not compare with those of this server. */
  function requireServing(wanted: string): void {
    const serving = bundleId(bundle);
    if (wanted === serving) return;
    throw new ReelvecError(
      'conflict',
      `bundle: this server works with ${serving}, whose vectors do not compare with those of ${wanted.slice(0, 100)}. ` +
        'Embed what you have anew, or ask a server that works with that one.',
      { details: { field: 'bundle', value: wanted.slice(0, 100), allowed: [serving] } },
    );
  }

  /** One item per vector. For text and a bundle with one space, the response equals that of the TwelveLabs API. */
  function vectorsJson(body: Body, { vectors, filenames, ...used }: QueryVectorsAnswer): string {
    const tellSpace = bundle.textQuerySpaces.length > 1 || new Set(Object.values(bundle.spaces)).size > 1;
    const items = vectors.map(({ space, embedding }) => {
      const facts = {
        embedding_option: null,
        embedding_scope: null,
        start_sec: null,
        end_sec: null,
        ...(tellSpace && { space, compares_with: optionsIn(bundle, space) }),
      };
      return `{"embedding":${vectorJson(embedding)},${JSON.stringify(facts).slice(1)}`;
    });
    const metadata = body.input_type === 'text' ? undefined : vectorMetadata(body, filenames);
    const facts = {
      ...(body.model_name === MARENGO_35 && {
        usage: { input_tokens: used.tokens > 0 ? { text: used.tokens } : {}, truncated: used.truncated },
      }),
      ...(metadata && { metadata }),
    };
    return `{"data":[${items.join(',')}]${Object.keys(facts).length > 0 ? `,${JSON.stringify(facts).slice(1, -1)}` : ''}}`;
  }

  function vectorMetadata(body: Body, filenames: QueryVectorsAnswer['filenames']) {
    const { input_type, embedding_dimension } = body;
    const image = 'image' in body ? body.image : 'text_image' in body ? body.text_image : undefined;
    const url = image?.media_source.url;
    const filename = input_type === 'multi_input' ? undefined : filenames[0];
    return {
      input_type,
      ...(url !== undefined && { input_url: url }),
      ...(filename !== undefined && { input_filename: filename }),
      ...(embedding_dimension !== undefined && { embedding_dimension }),
      bundle: bundleId(bundle),
    };
  }
};

function spaceOfMedia(inputType: string): ReelvecError {
  return new ReelvecError(
    'parameter_invalid',
    `space goes with text and images; the vectors of ${inputType} are told apart by embedding_option. Leave it out.`,
    { details: { field: 'space' } },
  );
}
