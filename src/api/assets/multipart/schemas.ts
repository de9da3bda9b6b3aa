import { z } from 'zod';
import { MEDIA_KINDS } from '../../../domain/media-kind.ts';
import { pageInfo } from '../../page.ts';
import { userMetadata } from '../schemas.ts';

export const uploadParams = z.object({ upload_id: z.string() });

/** Maximum links per response. */
export const MAX_LINKS = 50;
/** Maximum chunks per report. */
const MAX_REPORTED_CHUNKS = 50;

export const createUploadBody = z
  .strictObject({
    filename: z.string().min(1).max(255),
    type: z.enum(MEDIA_KINDS),
    total_size: z.int().min(1).describe('bytes'),
    enable_hls: z.boolean().optional(),
    enable_thumbnail: z.boolean().optional(),
    user_metadata: userMetadata.optional(),
  })
  .meta({ examples: [{ filename: 'film.mp4', type: 'video', total_size: 20_000_000 }] });

export const createPresignedUrlsBody = z
  .strictObject({
    start: z.int().min(1).describe('number of the first chunk, from 1'),
    count: z.int().min(1).max(MAX_LINKS),
  })
  .meta({ examples: [{ start: 1, count: 2 }] });

export const reportChunksBody = z
  .strictObject({
    completed_chunks: z
      .array(
        z.strictObject({
          chunk_index: z.int().min(1),
          proof: z.string().min(1).max(256).describe('ETag of the response to the chunk'),
          proof_type: z.literal('etag'),
          chunk_size: z.int().min(1).describe('bytes'),
        }),
      )
      .min(1)
      .max(MAX_REPORTED_CHUNKS, { error: `must have at most ${MAX_REPORTED_CHUNKS} entries.` }),
  })
  .meta({
    examples: [
      { completed_chunks: [{ chunk_index: 1, proof: 'ETag of the chunk', proof_type: 'etag', chunk_size: 8_388_608 }] },
    ],
  });

const chunkLink = z
  .object({ chunk_index: z.int(), url: z.string(), expires_at: z.string() })
  .meta({ title: 'PresignedUrlChunk' });

export const createdUpload = z.object({
  upload_id: z.string(),
  asset_id: z.string().describe('id of the asset, which exists once all chunks are reported'),
  upload_urls: z.array(chunkLink).describe('URLs for a PUT of the first chunks, without an API key'),
  upload_headers: z.record(z.string(), z.string()),
  chunk_size: z.int().describe('bytes of every chunk but the last'),
  total_chunks: z.int(),
  expires_at: z.string(),
});

export const presignedUrls = z.object({
  upload_id: z.string(),
  start_index: z.int(),
  count: z.int(),
  upload_urls: z.array(chunkLink),
  generated_at: z.string(),
  expires_at: z.string(),
});

export const reportedChunks = z.object({
  asset_id: z.string(),
  processed_chunks: z.int(),
  duplicate_chunks: z.int(),
  total_completed: z.int(),
  url: z.string().optional().describe('URL of the asset, once all chunks are reported'),
});

export const retrievedUpload = z.object({
  upload_id: z.string(),
  asset_id: z.string(),
  status: z.enum(['active', 'completed', 'failed', 'expired']),
  uploaded_chunks: z.array(
    z.object({
      index: z.int(),
      status: z.enum(['completed', 'pending', 'failed']),
      uploaded_at: z.string().nullable(),
      updated_at: z.string(),
    }),
  ),
  chunks_completed: z.int(),
  chunks_failed: z.int(),
  chunks_pending: z.int(),
  total_size: z.int(),
  uploaded_size: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  expires_at: z.string(),
  page_info: pageInfo,
});

export const uploadPage = z.object({
  data: z.array(
    z.object({
      upload_id: z.string(),
      asset_id: z.string(),
      status: z.enum(['active']),
      filename: z.string(),
      total_size: z.int(),
      chunk_size: z.int(),
      total_chunks: z.int(),
      created_at: z.string(),
      expires_at: z.string(),
    }),
  ),
  page_info: pageInfo,
});

export const chunkParams = z.object({ upload_id: z.string(), chunk_index: z.coerce.number().int().min(1) });
