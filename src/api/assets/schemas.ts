import { z } from 'zod';
import { pageInfo, pageQuery } from '../page.ts';

export const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a string, a number or a boolean.',
});
export const userMetadata = z.record(z.string(), scalar);
/** What a text field of a form says for a boolean. */
const flag = z.enum(['true', 'false']);

/** The text fields of the form that creates an asset. */
export const AssetFields = z.strictObject({
  method: z.enum(['direct', 'url']),
  url: z.string().optional(),
  filename: z.string().min(1).max(255).optional(),
  enable_hls: flag.optional(),
  enable_thumbnail: flag.optional(),
  user_metadata: z.string().optional().describe('JSON object whose values are strings, numbers or booleans'),
});

export const AssetForm = AssetFields.extend({ file: z.file().optional() });

/** What the text of `user_metadata` says. */
export const UserMetadataField = z.object({ user_metadata: userMetadata });

export const AssetId = z.object({ asset_id: z.string() });

export const DeleteQuery = z.strictObject({
  force: flag.optional().describe('delete although tasks are using it; they fail'),
});

const ASSET_TYPES = ['image', 'video', 'audio', 'document'] as const;

export const ListQuery = z.strictObject({
  ...pageQuery,
  asset_ids: oneOrMore(z.string()).optional(),
  asset_types: oneOrMore(z.enum(ASSET_TYPES), {
    error: `must be one or more of ${ASSET_TYPES.join(', ')}.`,
  }).optional(),
  filename: z.string().optional().describe('part of the file name, in upper or lower case'),
});

/** A repeated query parameter: a list, or one value when it is given once. */
function oneOrMore<T extends z.ZodType>(item: T, options?: { error: string }) {
  return z.union([z.array(item), item], options).transform((given) => [given].flat() as z.output<T>[]);
}

export const AssetBody = z.object({
  _id: z.string(),
  method: z.enum(['direct', 'url', 'multipart']),
  status: z.enum(['processing', 'ready', 'failed']),
  filename: z.string(),
  file_type: z.string().optional(),
  created_at: z.string(),
  user_metadata: userMetadata.optional(),
});

export const AssetDetailBody = AssetBody.extend({
  size: z.number().int().optional().describe('bytes'),
  duration: z.number().optional().describe('seconds'),
  technical_metadata: z
    .object({
      file_size_bytes: z.number().int(),
      file_mime_type: z.string(),
      file_container_format: z.string(),
      has_audio: z.boolean(),
      total_video_streams: z.number().int(),
      total_audio_streams: z.number().int(),
      video_codec: z.string().optional(),
      video_width: z.number().int().optional(),
      video_height: z.number().int().optional(),
      video_fps: z.number().optional(),
      audio_codec: z.string().optional(),
      audio_sample_rate: z.number().int().optional(),
      audio_channels: z.number().int().optional(),
    })
    .optional(),
  error: z.object({ message: z.string() }).optional(),
});

export const AssetPage = z.object({
  data: z.array(AssetDetailBody),
  page_info: pageInfo,
});
