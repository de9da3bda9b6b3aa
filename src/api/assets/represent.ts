import type { z } from 'zod';
import type { Asset } from '../../assets/repository.ts';
import type { MediaInfo } from '../../media/info.ts';
import type { AssetBody, AssetDetailBody } from './schemas.ts';

/** An asset as the API shows it. What is not known is left out: the SDKs take null badly. */
export function assetBody(asset: Asset): z.infer<typeof AssetBody> {
  return {
    _id: asset.id,
    method: asset.method,
    status: asset.status,
    filename: asset.filename,
    file_type: asset.fileType,
    created_at: asset.createdAt,
    user_metadata: asset.userMetadata,
  };
}

export function assetDetailBody(asset: Asset): z.infer<typeof AssetDetailBody> {
  return {
    ...assetBody(asset),
    ...(asset.media && {
      size: asset.media.size,
      duration: asset.media.durationSec,
      technical_metadata: technicalMetadata(asset.media),
    }),
    error: asset.error && { message: asset.error.message },
  };
}

function technicalMetadata(media: MediaInfo): z.infer<typeof AssetDetailBody>['technical_metadata'] {
  const { video, audio, trackCounts } = media;
  return {
    file_size_bytes: media.size,
    file_mime_type: media.mimeType,
    file_container_format: media.format,
    has_audio: trackCounts.audio > 0,
    total_video_streams: trackCounts.video,
    total_audio_streams: trackCounts.audio,
    ...(video && {
      video_codec: video.codec,
      video_width: video.width,
      video_height: video.height,
      // A container that does not tell the rate says 0.
      video_fps: video.frameRate || undefined,
    }),
    ...(audio && {
      audio_codec: audio.codec,
      audio_sample_rate: audio.sampleRate,
      audio_channels: audio.channels,
    }),
  };
}
