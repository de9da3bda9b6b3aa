import { z } from 'zod';
import type { Option } from '../../domain/option.ts';
import type { Scope } from '../../domain/scope.ts';
import { allNames, modelName, type Served } from '../embed-v2/model-names.ts';
import { listedTask, option, rowOption, wordList } from '../embed-v2/schemas.ts';
import { pageInfo } from '../page.ts';

/** Text fields of the form of `POST /embed`. */
export function createEmbeddingsFields(served: Served) {
  return z.strictObject({
    model_name: modelName(allNames(served), served),
    text: z.string().optional().describe('at most 500 tokens'),
    image_url: z.string().optional(),
    audio_url: z.string().optional(),
    audio_start_offset_sec: z.coerce
      .number()
      .min(0)
      .default(0)
      .describe('start of the audio to embed, in seconds from the start of the file'),
    text_truncate: z
      .enum(['none', 'start', 'end'])
      .optional()
      .describe('of older clients; has no effect, because text over the limit is refused'),
  });
}

/** Form of `POST /embed`, for the documentation. */
export function createEmbeddingsForm(served: Served) {
  return createEmbeddingsFields(served).extend({
    image_file: z.file().optional().describe('JPEG, PNG, WebP or AVIF'),
    audio_file: z.file().optional().describe('WAV, MP3 or FLAC of at most 10 minutes'),
  });
}

const float = z.array(z.number()).describe('512 values; L2 norm 1');
const segment = z.object({ float });
const timedSegment = segment.extend({
  start_offset_sec: z.number().describe('seconds from the start of the file'),
  end_offset_sec: z.number(),
});

/** Result of one input: its segments, or the reason why there are none. */
function result<Segment extends z.ZodType>(inner: Segment, title: string) {
  return z
    .object({
      segments: z.array(inner).optional(),
      error_message: z.string().optional().describe('reason why this input has no segments although another has some'),
    })
    .meta({ title })
    .optional();
}

export const createdEmbeddings = z
  .object({
    model_name: z.string(),
    text_embedding: result(segment.meta({ title: 'BaseSegment' }), 'TextEmbeddingResult'),
    image_embedding: result(segment.meta({ title: 'BaseSegment' }), 'ImageEmbeddingResult'),
    audio_embedding: result(timedSegment.meta({ title: 'AudioSegment' }), 'AudioEmbeddingResult'),
  })
  .meta({ title: 'EmbeddingResponse' });

/** Names of the scopes in the first API version. */
export const NAMES_OF_SCOPES = { clip: 'clip', asset: 'video' } as const satisfies Record<Scope, string>;
export const SCOPES_BY_NAME = { clip: 'clip', video: 'asset' } as const satisfies Record<string, Scope>;
const scopeName = z.enum(['clip', 'video']);

/** Text fields of the form of `POST /embed/tasks`. */
export function videoTaskFields(served: Served) {
  return z
    .strictObject({
      model_name: modelName(allNames(served), served),
      video_url: z.string().optional(),
      video_start_offset_sec: z.coerce.number().min(0).default(0),
      video_end_offset_sec: z.coerce.number().min(0).optional().describe('default: the end of the file'),
      video_clip_length: z.coerce.number().int().min(2).max(10).default(6).describe('length of a segment in seconds'),
      video_embedding_scope: z
        .array(scopeName)
        .default(['clip'])
        .describe('clip: a vector per segment; video: a vector of the whole range. Repeat the field for both')
        .transform((given) => [...new Set(given)]),
    })
    .superRefine(({ video_start_offset_sec: start, video_end_offset_sec: end }, context) => {
      if (end === undefined || end > start) return;
      const message = `must be more than video_start_offset_sec, which is ${start}: got ${end}.`;
      context.addIssue({ code: 'custom', path: ['video_end_offset_sec'], message });
    });
}

/** Form of `POST /embed/tasks`, for the documentation. */
export function videoTaskForm(served: Served) {
  return videoTaskFields(served).safeExtend({ video_file: z.file().optional() });
}

export const createdVideoTask = z.object({ _id: z.string() }).meta({ title: 'VideoTaskCreated' });

/** Options of the rows to return. Marengo 2.7 called the visual ones visual-text. */
export const retrieveVideoTaskQuery = z.strictObject({
  embedding_option: wordList(z.enum([...option.options, 'visual-text']))
    .transform((given) => given?.map((word): Option => (word === 'visual-text' ? 'visual' : word)))
    .describe('only these vectors; a repeated parameter, or values separated by commas'),
});

const listedVideo = listedTask.shape.video_embedding.unwrap().shape.metadata;

export const videoTask = listedTask
  .omit({ video_embedding: true, audio_embedding: true, image_embedding: true })
  .extend({
    video_embedding: z
      .object({ metadata: listedVideo.extend({ video_embedding_scope: z.array(scopeName) }) })
      .optional(),
    error: z.object({ code: z.string(), message: z.string() }).optional().describe('when failed'),
    warnings: z.array(z.string()).describe('sentences about missing vectors and damaged media'),
  });

export const videoTaskStatus = videoTask.meta({ title: 'VideoTaskStatus' });

export const videoTaskPage = z.object({
  data: z.array(videoTask.meta({ title: 'VideoEmbeddingTask' })),
  page_info: pageInfo,
});

export const retrievedVideoTask = videoTask
  .extend({
    video_embedding: videoTask.shape.video_embedding
      .unwrap()
      .extend({
        segments: z
          .array(
            z
              .object({
                float,
                embedding_option: rowOption,
                embedding_scope: scopeName,
                start_offset_sec: z.number().describe('seconds from the start of the file'),
                end_offset_sec: z.number(),
              })
              .meta({ title: 'VideoSegment' }),
          )
          .optional()
          .describe('once the task is ready; in no particular order'),
      })
      .optional(),
  })
  .meta({ title: 'VideoTask' });
