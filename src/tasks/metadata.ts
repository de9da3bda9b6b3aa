import type { TimeRange } from '../domain/time-range.ts';
import type { MediaInfo } from '../media/info.ts';
import type { TranscriptionSource } from './repository.ts';
import type { TaskRequest } from './request.ts';

const FUSED_TYPES = {
  beside: ['separate_embedding' as const, 'fused_embedding' as const],
  instead: ['fused_embedding' as const],
};

/** Request and media metadata of a result, in the format of the API. */
export function taskMetadata({
  request,
  media,
  range,
  transcriptionSource,
}: {
  request: TaskRequest;
  media: MediaInfo;
  /** Processed range. */
  range: TimeRange;
  transcriptionSource?: TranscriptionSource | undefined;
}) {
  const { inputType, segmentation, fused, dimension } = request;
  return {
    input_type: inputType,
    ...inputNames(request),
    ...(inputType === 'video' && segmentation.strategy === 'fixed' && { clip_length: segmentation.durationSec }),
    embedding_scopes: [...(request.requestedScopes ?? request.scopes)],
    embedding_options: [...request.options],
    ...(fused && { embedding_types: FUSED_TYPES[fused] }),
    ...(dimension !== undefined && { embedding_dimension: dimension }),
    ...(transcriptionSource && { transcription_source: transcriptionSource }),
    duration: media.durationSec,
    start_offset_sec: range.startSec,
    end_offset_sec: range.endSec,
  };
}

/** URL and file name of the media, as far as known. */
export function inputNames({ source, filename }: TaskRequest): { input_url?: string; input_filename?: string } {
  return {
    ...(source.kind === 'url' && { input_url: source.url }),
    ...(filename !== undefined && { input_filename: filename }),
  };
}
