import type { TimeRange } from '../media/frames.ts';
import type { MediaInfo } from '../media/info.ts';
import type { TranscriptionSource } from './repository.ts';
import type { TaskRequest } from './request.ts';

const FUSED_TYPES = {
  beside: ['separate_embedding' as const, 'fused_embedding' as const],
  instead: ['fused_embedding' as const],
};

/** What a result says of its request and media, in the words of the API. */
export function taskMetadata({
  request,
  media,
  range,
  transcriptionSource,
}: {
  request: TaskRequest;
  media: MediaInfo;
  /** What was processed. */
  range: TimeRange;
  transcriptionSource?: TranscriptionSource | undefined;
}) {
  const { inputType, segmentation, fused, dimension } = request;
  return {
    input_type: inputType,
    ...inputNames(request),
    ...(inputType === 'video' && segmentation.strategy === 'fixed' && { clip_length: segmentation.durationSec }),
    embedding_scopes: [...request.scopes],
    embedding_options: [...request.options],
    ...(fused && { embedding_types: FUSED_TYPES[fused] }),
    ...(dimension !== undefined && { embedding_dimension: dimension }),
    ...(transcriptionSource && { transcription_source: transcriptionSource }),
    duration: media.durationSec,
    start_offset_sec: range.startSec,
    end_offset_sec: range.endSec,
  };
}

/** Where the media came from, as far as it has a name. */
export function inputNames({ source, filename }: TaskRequest): { input_url?: string; input_filename?: string } {
  return {
    ...(source.kind === 'url' && { input_url: source.url }),
    ...(filename !== undefined && { input_filename: filename }),
  };
}
