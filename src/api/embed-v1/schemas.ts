import { z } from 'zod';
import type { BundleInfo } from '../../encode/encoder.ts';
import { modelName } from '../embed-v2/media-body.ts';

/** Text fields of the form of `POST /embed`. */
export function createEmbeddingsFields(bundle: Pick<BundleInfo, 'name'>) {
  return z.strictObject({
    model_name: modelName(bundle),
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
export function createEmbeddingsForm(bundle: Pick<BundleInfo, 'name'>) {
  return createEmbeddingsFields(bundle).extend({
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
      error_message: z.string().optional().describe('why this input has no segments, where another input has some'),
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
