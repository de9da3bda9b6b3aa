import { z } from 'zod';
import { INPUT_TYPES } from '../../domain/media-kind.ts';
import { OPTIONS } from '../../domain/option.ts';
import { SCOPES } from '../../domain/scope.ts';
import { pageInfo, pageQuery } from '../page.ts';

export const option = z.enum(OPTIONS);
export const scope = z.enum(SCOPES);
/** Scopes of a request. `local` is the segment: a clip. */
export const requestedScope = z.enum([...SCOPES, 'local']);
export const embeddingType = z.enum(['separate_embedding', 'fused_embedding']);
/** Embedding option of a returned vector. */
export const rowOption = z.enum([...OPTIONS, 'fused']);
const taskStatus = z.enum(['processing', 'ready', 'failed']);
const time = z.iso.datetime({ offset: true });

export const taskParams = z.object({ task_id: z.string().describe('id of the task, 24 hex characters') });

export const listTasksQuery = z.strictObject({
  ...pageQuery,
  started_at: time.optional().describe('created at or after; without dates the last seven days are listed'),
  ended_at: time.optional().describe('created at or before'),
  status: taskStatus.optional(),
});

/** List in a query string: a repeated parameter, or comma-separated values. */
export function wordList<Word extends z.ZodType>(word: Word) {
  const split = (given: unknown) =>
    given === undefined ? undefined : [given].flat().flatMap((part) => String(part).split(','));
  return z.preprocess(split, z.array(word).optional());
}

export const retrieveTaskQuery = z.strictObject({
  wait: z.coerce.number().min(0).max(60).default(0).describe('seconds to wait for the task to leave processing'),
  format: z
    .enum(['json', 'ndjson', 'arrow', 'parquet'])
    .optional()
    .describe('format of a ready result; default: the preferred one of the Accept header, or JSON'),
  embedding_option: wordList(rowOption).describe(
    'only these vectors; a repeated parameter, or values separated by commas',
  ),
  embedding_scope: wordList(scope).describe('only these vectors'),
  embeddings: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('false omits the vectors and returns their times, options and scopes only'),
});

export const createdTask = z
  .object({ _id: z.string(), status: z.literal('processing'), data: z.null() })
  .meta({ title: 'embed_v2_tasks_create_Response_202' });

/** Name of the media source, if it has one. */
const input = { input_url: z.string().optional(), input_filename: z.string().optional() };

export const metadataBody = z
  .object({
    input_type: z.enum(INPUT_TYPES),
    ...input,
    clip_length: z.int().optional().describe('seconds; video in segments of fixed length only'),
    embedding_scopes: z.array(requestedScope),
    embedding_options: z.array(option),
    transcription_source: z
      .enum(['subtitles', 'speech'])
      .optional()
      .describe('source of the transcription: a text track of the media, or speech recognition'),
    duration: z.number().describe('seconds; of the whole file'),
    start_offset_sec: z.number().describe('start of the range that was processed'),
    end_offset_sec: z.number(),
    embedding_types: z.array(embeddingType).optional().describe('if fused vectors were requested'),
    embedding_dimension: z.int().optional().describe('length of the vectors, if it is not 512'),
    bundle: z.string().describe('name and revision of the bundle that made the vectors'),
  })
  .meta({ title: 'EmbeddingMediaMetadata' });

/** Metadata of the task of an image. */
const imageMetadataBody = z
  .object({
    input_type: z.literal('image'),
    ...input,
    embedding_options: z.array(option),
    embedding_scopes: z.array(scope),
    embedding_dimension: metadataBody.shape.embedding_dimension,
    bundle: metadataBody.shape.bundle,
  })
  .meta({ title: 'AsyncImageMetadata' });

export const taskMetadataBody = z.union([metadataBody, imageMetadataBody]);

const embedding = z
  .object({
    embedding: z.array(z.number()).describe('512 values, or the requested number; L2 norm 1'),
    embedding_option: rowOption.meta({ title: 'EmbeddingDataEmbeddingOption' }),
    embedding_scope: scope.meta({ title: 'EmbeddingDataEmbeddingScope' }),
    start_sec: z.number().nullable().describe('seconds from the start of the file; null for an image'),
    end_sec: z.number().nullable(),
  })
  .meta({ title: 'EmbeddingData' });

/** Vector item with `embeddings=false`. */
const segment = embedding.omit({ embedding: true }).meta({ title: 'EmbeddingSegment' });

export const retrievedTask = z
  .object({
    _id: z.string(),
    status: taskStatus,
    created_at: z.string(),
    updated_at: z.string(),
    metadata: taskMetadataBody.optional().describe('once the media is known'),
    error: z.object({ code: z.string(), message: z.string() }).optional().describe('when failed'),
    progress: z
      .object({
        fraction: z.number().min(0).max(1),
        stage: z.enum(['queued', 'fetching', 'probing', 'embedding', 'finalizing']),
      })
      .optional()
      .describe('while processing'),
    warnings: z.array(z.string()).describe('sentences about missing vectors and damaged media'),
    data: z
      .array(z.union([embedding, segment]))
      .nullable()
      .describe('null until the task is ready; in no particular order'),
  })
  .meta({ title: 'EmbeddingTaskResponse' });

export const createEmbeddingQuery = z.strictObject({
  space: z
    .string()
    .min(1)
    .optional()
    .describe('for text and images: the only space to embed in, or an option whose vectors are in it'),
  bundle: z
    .string()
    .min(1)
    .optional()
    .describe(
      'name and revision of the bundle whose vectors the answer is to be compared with, as in metadata.bundle ' +
        'of a task; a server with another bundle refuses with 409',
    ),
});

/** Response of `POST /embed-v2`. Vectors of text and pictures have no time range. */
export const createdEmbedding = z
  .object({
    data: z.array(
      z.object({
        embedding: embedding.shape.embedding,
        embedding_option: rowOption.nullable().describe('null for text and images'),
        embedding_scope: scope.nullable(),
        start_sec: z.number().nullable(),
        end_sec: z.number().nullable(),
        space: z.string().optional().describe('for text and images, if the bundle has several spaces'),
        compares_with: z.array(option).optional().describe('the options whose vectors are in the space'),
      }),
    ),
    metadata: z
      .union([
        metadataBody,
        z.object({
          input_type: z.enum(['image', 'text_image', 'multi_input']),
          ...input,
          embedding_dimension: z.int().optional(),
          bundle: metadataBody.shape.bundle,
        }),
      ])
      .optional()
      .describe('for all inputs but text'),
    usage: z
      .object({ input_tokens: z.record(z.string(), z.int()), truncated: z.boolean() })
      .meta({ title: 'EmbeddingUsage' })
      .optional()
      .describe('for marengo3.5: tokens of the text, and true if the text was shortened'),
    warnings: z
      .array(z.string())
      .optional()
      .describe('for audio and video: sentences about missing vectors and damaged media'),
  })
  .meta({ title: 'EmbeddingSuccessResponse' });

export const listedTask = z.object({
  _id: z.string(),
  model_name: z.string(),
  status: taskStatus,
  created_at: z.string(),
  updated_at: z.string(),
  video_embedding: z
    .object({
      metadata: z.object({
        ...input,
        duration: z.number().optional(),
        video_clip_length: z.number().optional(),
        video_embedding_scope: z.array(scope),
        video_embedding_option: z.array(option),
      }),
    })
    .optional(),
  image_embedding: z
    .object({
      metadata: z.object({
        ...input,
        image_embedding_scope: z.array(scope),
        image_embedding_option: z.array(option),
      }),
    })
    .optional(),
  audio_embedding: z
    .object({
      metadata: z.object({
        ...input,
        duration: z.number().optional(),
        start_offset_sec: z.number().optional(),
        end_offset_sec: z.number().optional(),
        audio_embedding_scope: z.array(scope),
        audio_embedding_scopes: z.array(scope),
        audio_embedding_option: z.array(option),
        audio_embedding_options: z.array(option),
      }),
    })
    .optional(),
});

export const taskPage = z.object({ data: z.array(listedTask.meta({ title: 'EmbeddingTask' })), page_info: pageInfo });
