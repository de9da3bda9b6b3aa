import type { z } from 'zod';
import type { Asset } from '../../assets/repository.ts';
import type { ImageInfo, MediaDetails, MediaInfo } from '../../media/info.ts';
import { omitIfMalformed } from '../malformed-rows.ts';
import type { createdAsset, retrievedAsset, technicalMetadata } from './schemas.ts';

const NO_HLS = 'This server makes no HLS streams: play the file itself.';

/** API representation of an asset. Unknown fields are omitted, because the SDKs do not accept null. */
export function assetOf(asset: Asset): z.infer<typeof createdAsset> {
  return {
    _id: asset.id,
    method: asset.method,
    status: asset.status,
    filename: asset.filename,
    file_type: asset.fileType,
    created_at: asset.createdAt,
    user_metadata: asset.userMetadata,
    error: asset.error && { message: asset.error.message },
  };
}

/** Detailed API representation of an asset. @param thumbnailUrl signed URL of the thumbnail */
export function assetDetailOf(asset: Asset, thumbnailUrl: (assetId: string) => string): z.infer<typeof retrievedAsset> {
  return {
    ...assetOf(asset),
    ...(asset.media && {
      size: asset.media.size,
      ...(!asset.media.image && { duration: asset.media.durationSec }),
      technical_metadata: omitIfMalformed(() => technicalMetadataOf(asset.media!)),
    }),
    ...(asset.hls && { hls: { status: asset.hls, message: NO_HLS } }),
    ...(asset.thumbnail && {
      thumbnail: {
        status: asset.status === 'failed' ? 'error' : asset.thumbnail,
        ...(asset.thumbnail === 'ready' && { representative_url: thumbnailUrl(asset.id) }),
      },
    }),
  };
}

function technicalMetadataOf(media: MediaInfo): z.infer<typeof technicalMetadata> {
  const file = {
    file_size_bytes: media.size,
    file_mime_type: media.mimeType,
    file_container_format: media.format,
  };
  return media.image ? { ...file, ...imageMetadata(media.image) } : { ...file, ...trackMetadata(media) };
}

function imageMetadata(image: ImageInfo) {
  return {
    image_width: image.width,
    image_height: image.height,
    image_format: image.format,
    image_orientation: image.orientation,
    image_color_space: image.colorSpace,
    image_bit_depth: image.bitDepth,
    has_alpha: image.hasAlpha,
    is_animated: image.isAnimated,
  };
}

function trackMetadata({ video, audio, trackCounts, details }: MediaInfo) {
  const videoDetails = details?.video.find(({ index }) => index === video?.index);
  const audioDetails = details?.audio.find(({ index }) => index === audio?.index);
  return {
    has_audio: trackCounts.audio > 0,
    total_video_streams: trackCounts.video,
    total_audio_streams: trackCounts.audio,
    ...(video && {
      video_codec: video.codec,
      // The size is 0 if no frame could be decoded.
      video_width: video.width || undefined,
      video_height: video.height || undefined,
      // The rate is 0 if the container does not state it.
      video_fps: video.frameRate || undefined,
      video_duration_seconds: videoDetails?.durationSec,
      video_bitrate_bps: videoDetails?.bitRate,
      storage_aspect_ratio: video.codedWidth / video.codedHeight,
      is_hdr: videoDetails?.isHdr,
    }),
    ...(audio && {
      audio_codec: audio.codec,
      audio_sample_rate: audio.sampleRate,
      audio_channels: audio.channels,
      audio_duration_seconds: audioDetails?.durationSec,
    }),
    ...(details && containerMetadata(details)),
  };
}

function containerMetadata({ createdAt, timecode, location, video, audio }: MediaDetails) {
  return {
    container_creation_time: createdAt,
    start_timecode: timecode,
    drop_frame: timecode?.includes(';'),
    geospatial_latitude: location?.latitude,
    geospatial_longitude: location?.longitude,
    geospatial_altitude_meters: location?.altitude,
    video_streams: video.map((track) => ({
      index: track.index,
      codec: track.codec,
      width: track.width,
      height: track.height,
      avg_fps: track.frameRate,
      duration_seconds: track.durationSec,
      bitrate_bps: track.bitRate,
      rotation: track.rotation,
      pixel_format: track.pixelFormat,
    })),
    audio_streams: audio.map((track) => ({
      index: track.index,
      codec: track.codec,
      sample_rate: track.sampleRate,
      channels: track.channels,
      duration_seconds: track.durationSec,
      bitrate_bps: track.bitRate,
      language: track.language,
    })),
  };
}
