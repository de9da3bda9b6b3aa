import { z } from 'zod';
import { pageInfo, pageQuery } from '../page.ts';

export const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a string, a number or a boolean.',
});
export const userMetadata = z.record(z.string(), scalar).meta({ title: 'UserMetadata' });
/** Boolean in a text field of a form. */
const flag = z.enum(['true', 'false']);

/** Text fields of the form that creates an asset. */
export const createAssetFields = z.strictObject({
  method: z.enum(['direct', 'url']),
  url: z.string().optional(),
  filename: z.string().min(1).max(255).optional(),
  enable_hls: flag.optional(),
  enable_thumbnail: flag.optional(),
  user_metadata: z.string().optional().describe('JSON object whose values are strings, numbers or booleans'),
});

export const createAssetForm = createAssetFields.extend({ file: z.file().optional() });

/** Parsed content of the `user_metadata` field. */
export const userMetadataField = z.object({ user_metadata: userMetadata });

export const assetParams = z.object({ asset_id: z.string() });

export const deleteAssetQuery = z.strictObject({
  force: flag.optional().describe('delete the asset even if tasks are using it, which then fail'),
});

const ASSET_TYPES = ['image', 'video', 'audio', 'document'] as const;

export const listAssetsQuery = z.strictObject({
  ...pageQuery,
  asset_ids: oneOrMore(z.string()).optional(),
  asset_types: oneOrMore(z.enum(ASSET_TYPES), {
    error: `must be one or more of ${ASSET_TYPES.join(', ')}.`,
  }).optional(),
  filename: z.string().optional().describe('part of the file name, case-insensitive'),
});

/** Repeatable query parameter: a list, or a single value if given once. */
function oneOrMore<T extends z.ZodType>(item: T, options?: { error: string }) {
  return z.union([z.array(item), item], options).transform((given) => [given].flat() as z.output<T>[]);
}

export const createdAsset = z
  .object({
    _id: z.string(),
    method: z.enum(['direct', 'url', 'multipart']),
    status: z.enum(['processing', 'ready', 'failed']),
    filename: z.string(),
    file_type: z.string().optional(),
    created_at: z.string(),
    user_metadata: userMetadata.optional(),
    error: z.object({ message: z.string() }).optional().describe('reason of the failure'),
  })
  .meta({ title: 'Asset' });

const extraStatus = z.enum(['pending', 'processing', 'ready', 'error']);

const count = z.int().optional();
const number = z.number().optional();
const text = z.string().optional();
const flagged = z.boolean().optional();

/** Technical metadata. Fields that do not apply to the media type, or that the file does not state, are absent. */
export const technicalMetadata = z
  .object({
    file_size_bytes: count,
    file_mime_type: text,
    file_container_format: text,
    container_creation_time: text,
    has_audio: flagged,
    total_video_streams: count,
    total_audio_streams: count,
    video_codec: text,
    video_width: count.describe('pixels, as shown'),
    video_height: count,
    video_fps: number,
    video_duration_seconds: number,
    video_bitrate_bps: number,
    storage_aspect_ratio: number,
    is_hdr: flagged,
    audio_codec: text,
    audio_sample_rate: count,
    audio_channels: count,
    audio_duration_seconds: number,
    start_timecode: text,
    drop_frame: flagged,
    geospatial_latitude: number,
    geospatial_longitude: number,
    geospatial_altitude_meters: number,
    image_width: count,
    image_height: count,
    image_format: text,
    image_orientation: count,
    image_color_space: text,
    image_bit_depth: count,
    has_alpha: flagged,
    is_animated: flagged,
    video_streams: z
      .array(
        z.object({
          index: z.int(),
          codec: z.string(),
          width: z.int(),
          height: z.int(),
          avg_fps: number,
          duration_seconds: number,
          bitrate_bps: number,
          rotation: z.int(),
          pixel_format: text,
        }),
      )
      .optional(),
    audio_streams: z
      .array(
        z.object({
          index: z.int(),
          codec: z.string(),
          sample_rate: z.int(),
          channels: z.int(),
          duration_seconds: number,
          bitrate_bps: number,
          language: text,
        }),
      )
      .optional(),
  })
  .meta({ title: 'AssetTechnicalMetadata' });

export const retrievedAsset = createdAsset
  .extend({
    size: z.number().int().optional().describe('bytes'),
    duration: z.number().optional().describe('seconds'),
    technical_metadata: technicalMetadata.optional(),
    hls: z
      .object({ status: extraStatus, manifest_url: z.string().optional(), message: z.string() })
      .optional()
      .describe('only if requested; this server makes no streams'),
    thumbnail: z
      .object({ status: extraStatus, representative_url: z.string().optional() })
      .optional()
      .describe('only if requested; the URL is valid without an API key for at least a day'),
  })
  .meta({ title: 'AssetDetail' });

export const assetPage = z.object({
  data: z.array(retrievedAsset),
  page_info: pageInfo,
});

/** Bytes of a JPEG file, sent unserialised. */
export const jpeg = z.any().describe('a JPEG file');
