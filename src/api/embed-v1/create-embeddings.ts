import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { isReelvecError, ReelvecError, withFieldNames } from '../../errors.ts';
import type { QuerySource } from '../../queries/request.ts';
import { querySpaces } from '../../queries/spaces.ts';
import { checkText } from '../../queries/text.ts';
import type { UploadedFile, Uploads } from '../../queries/uploads.ts';
import { bundleId } from '../../tasks/embedding.ts';
import { vectorJson } from '../../tasks/results/json.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { requireEncoder } from '../embed-v2/task-request.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { checked, type Form, readForm } from '../form.ts';
import { hangUpSignal } from '../hang-up.ts';
import { setRateLimits } from '../rate-limits.ts';
import { createdEmbeddings, createEmbeddingsFields, createEmbeddingsForm } from './schemas.ts';

/** Length of the audio segments, in seconds: the default of the first API version. */
const AUDIO_SEGMENT_SEC = 6;

const DESCRIPTION = `The first version of the Embed API, for clients that have not moved to \`/embed-v2\`. Each of \`text\`,
an image and audio has its own result.

Text gets one vector. Where the text queries of the bundle lie in several spaces, it is the one that compares with
pictures; \`POST /embed-v2\` has the others. Audio gets a vector of its sound for every ${AUDIO_SEGMENT_SEC} seconds.

With a single input, an error is the answer. With several, the inputs that failed have an \`error_message\`.`;

type Fields = z.infer<ReturnType<typeof createEmbeddingsFields>>;
type Files = Form<UploadedFile>['files'];

/** One input of the request, and its result as JSON. */
interface Input {
  readonly result: 'text_embedding' | 'image_embedding' | 'audio_embedding';
  readonly segments: () => Promise<string>;
}

export const createEmbeddingsRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { queries, quotas, modelNames }) => {
  const { bundle, limits } = queries;
  const served = { bundle, modelNames };
  const formFields = createEmbeddingsFields(served);

  app.post(
    '/embed',
    {
      compress: COMPRESSION_OF_NUMBERS,
      schema: {
        operationId: 'createTextImageAudioEmbeddings',
        summary: 'Embed text, an image or audio, and wait for it',
        description: DESCRIPTION,
        tags: ['embed'],
        consumes: ['multipart/form-data'],
        body: createEmbeddingsForm(served),
        response: { ...commonErrors, 429: errorBody, 503: errorBody, 200: createdEmbeddings },
      },
      // The schema is for the documentation only: the form is validated after it is read.
      validatorCompiler: () => (value) => ({ value }),
    },
    async (request, reply) => {
      await using uploads = await queries.openUploads();
      const { fields, files } = await readForm(request, formOf(uploads));
      const given = checked(formFields, fields);
      const context = { owner: request.owner, signal: hangUpSignal(reply) };
      const inputs = inputsOf(given, files, context);
      request.event.inputType = inputs.map(({ result }) => result.replace('_embedding', '')).join(',');
      const answered = await Promise.allSettled(inputs.map(({ segments }) => segments()));
      const failed = answered.find((result) => result.status === 'rejected');
      const isAnswer = answered.some((result) => result.status === 'fulfilled' || !isClientError(result.reason));
      if (failed && (inputs.length === 1 || !isAnswer)) throw failed.reason;
      const results = answered.map((answer, i) => {
        if (answer.status === 'fulfilled') return `"${inputs[i]!.result}":{"segments":${answer.value}}`;
        if (!isClientError(answer.reason)) throw answer.reason;
        return `"${inputs[i]!.result}":${JSON.stringify({ error_message: answer.reason.message })}`;
      });
      reply.header('reelvec-bundle', bundleId(bundle));
      if (files['audio_file'] || given.audio_url) {
        setRateLimits(reply, await quotas.rates(request.owner, quotas.limits(request.quotas)));
      }
      // The reply is typed by the schema's object, but the handler sends JSON text.
      const written = reply.type('application/json; charset=utf-8') as unknown as FastifyReply;
      return written.send(`{"model_name":${JSON.stringify(given.model_name)},${results.join(',')}}`);
    },
  );

  function formOf(uploads: Uploads) {
    return {
      files: ['image_file', 'audio_file'],
      receive: (content: AsyncIterable<Uint8Array>, field: string) =>
        uploads.receive(
          content,
          field,
          field === 'image_file'
            ? { kind: 'image', maxBytes: limits.maxImageBytes }
            : { kind: 'audio', maxBytes: limits.maxAudioBytes },
        ),
      // They are removed with the request's folder.
      discard: async () => {},
      advice: 'Send multipart/form-data. For JSON, use POST /embed-v2.',
    };
  }

  function inputsOf(given: Fields, files: Files, context: { owner: string; signal: AbortSignal }): Input[] {
    const image = sourceOf('image', given.image_url, files);
    const audio = sourceOf('audio', given.audio_url, files);
    const inputs: Input[] = [];
    if (given.text !== undefined) {
      const { text } = given;
      inputs.push({ result: 'text_embedding', segments: () => embedText(text) });
    }
    if (image) inputs.push({ result: 'image_embedding', segments: () => named(image, embedImage(image.source)) });
    if (audio) inputs.push({ result: 'audio_embedding', segments: () => named(audio, embedAudio(audio.source)) });
    if (inputs.length > 0) return inputs;
    throw new ReelvecError(
      'parameter_not_provided',
      'One of text, image_url, image_file, audio_url and audio_file is required.',
    );

    async function embedText(text: string): Promise<string> {
      checkText(text, 'text');
      const [space] = querySpaces(bundle, { inputType: 'text', hasText: true, hasPicture: false });
      const query = { parts: [{ kind: 'text' as const, text }], textField: 'text', spaces: [space!] };
      return oneSegment(await queries.vectors(query, context));
    }

    async function embedImage(source: QuerySource): Promise<string> {
      const spaces = querySpaces(bundle, { inputType: 'image', hasText: false, hasPicture: true });
      const picture = { kind: 'picture' as const, field: 'image.media_source', source };
      const query = { parts: [picture], textField: '', spaces };
      return oneSegment(await queries.vectors(query, context));
    }

    async function embedAudio(source: QuerySource): Promise<string> {
      const options = ['audio'] as const;
      requireEncoder(bundle, options, 'audio.media_source');
      const request = {
        inputType: 'audio' as const,
        modelName: given.model_name,
        source: source.kind === 'url' ? source : { kind: 'base64' as const },
        startSec: given.audio_start_offset_sec,
        segmentation: { strategy: 'fixed' as const, durationSec: AUDIO_SEGMENT_SEC },
        options,
        scopes: ['clip' as const],
      };
      await using answer = await queries.media({ request, source }, context);
      const segments: string[] = [];
      for await (const rows of answer.rows()) {
        for (const { embedding, startSec, endSec } of rows) {
          segments.push(`{"float":${vectorJson(embedding)},"start_offset_sec":${startSec},"end_offset_sec":${endSec}}`);
        }
      }
      return `[${segments.join(',')}]`;
    }
  }
};

interface NamedSource {
  readonly source: QuerySource;
  /** Form fields by the parameter names of `/embed-v2`. */
  readonly names: Readonly<Record<string, string>>;
}

/** Source of an image or of audio; undefined if the form has none. */
function sourceOf(kind: 'image' | 'audio', url: string | undefined, files: Files): NamedSource | undefined {
  const file = files[`${kind}_file`];
  if (url !== undefined && file) {
    throw new ReelvecError('parameter_invalid', `${kind}_url does not go with ${kind}_file. Send one of the two.`, {
      details: { field: `${kind}_url` },
    });
  }
  const field = `${kind}_${file ? 'file' : 'url'}`;
  const names = {
    [`${kind}.media_source.url`]: field,
    [`${kind}.media_source`]: field,
    [`${kind}.start_sec`]: `${kind}_start_offset_sec`,
  };
  if (url !== undefined) return { source: { kind: 'url', url }, names };
  return file && { source: { kind: 'upload', file, filename: file.filename }, names };
}

/** Errors of a result, in the names of the form. */
function named<Result>({ names }: NamedSource, result: Promise<Result>): Promise<Result> {
  return result.catch((error) => {
    throw withFieldNames(error, names);
  });
}

function oneSegment({ vectors }: { vectors: readonly { embedding: Float32Array }[] }): string {
  return `[{"float":${vectorJson(vectors[0]!.embedding)}}]`;
}

/** True for an error that is about one input, and not about the server or its limits. */
function isClientError(error: unknown): error is ReelvecError {
  return isReelvecError(error) && error.status >= 400 && error.status < 429;
}
