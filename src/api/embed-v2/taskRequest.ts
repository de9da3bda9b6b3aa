import type { BundleInfo } from '../../encode/encoder.ts';
import { ReelvecError } from '../../errors.ts';
import type { Segmentation } from '../../segment/segment.ts';
import type { Source, TaskRequest } from '../../tasks/request.ts';
import type { CreateTaskBody } from './createTaskBody.ts';

type Media = NonNullable<CreateTaskBody['video'] | CreateTaskBody['audio']>;

/** Seconds, as the API has them. */
const DEFAULT_VIDEO: Segmentation = { strategy: 'dynamic', minDurationSec: 4 };
const DEFAULT_AUDIO: Segmentation = { strategy: 'fixed', durationSec: 6 };

/** What a valid body asks for, in the words of reelvec, with every default filled in. */
export function toTaskRequest(
  body: CreateTaskBody,
  bundle: Pick<BundleInfo, 'name'>,
): { request: TaskRequest; base64?: string } {
  const inputType = body.input_type;
  const media = body[inputType]!;
  refuseFused(media, `${inputType}.embedding_type`, bundle);
  const request: TaskRequest = {
    inputType,
    modelName: body.model_name,
    source: toSource(media.media_source),
    startSec: media.start_sec,
    endSec: media.end_sec,
    segmentation: toSegmentation(media.segmentation) ?? (inputType === 'video' ? DEFAULT_VIDEO : DEFAULT_AUDIO),
    options:
      media.embedding_option ??
      (inputType === 'video' ? ['visual', 'audio', 'transcription'] : ['audio', 'transcription']),
    scopes: media.embedding_scope ?? ['clip', 'asset'],
  };
  return { request, base64: media.media_source.base64_string };
}

function refuseFused(media: Media, field: string, bundle: Pick<BundleInfo, 'name'>): void {
  if (!media.embedding_type?.includes('fused_embedding')) return;
  throw new ReelvecError(
    'parameter_invalid',
    `${field}: the bundle "${bundle.name}" cannot make "fused_embedding", because its visual, audio and transcription ` +
      'vectors lie in spaces that do not compare. Leave it out, or ask for "separate_embedding".',
    { details: { field, value: 'fused_embedding', allowed: ['separate_embedding'] } },
  );
}

function toSource({ url, asset_id }: Media['media_source']): Source {
  if (url !== undefined) return { kind: 'url', url };
  return asset_id !== undefined ? { kind: 'asset', assetId: asset_id } : { kind: 'base64' };
}

function toSegmentation(given: NonNullable<CreateTaskBody['video']>['segmentation']): Segmentation | undefined {
  if (given?.fixed) return { strategy: 'fixed', durationSec: given.fixed.duration_sec };
  return given?.dynamic && { strategy: 'dynamic', minDurationSec: given.dynamic.min_duration_sec };
}
