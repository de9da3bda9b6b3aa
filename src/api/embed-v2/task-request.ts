import type { InputType } from '../../domain/media-kind.ts';
import { OPTIONS, type Option } from '../../domain/option.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Segmentation } from '../../domain/segmentation.ts';
import { type BundleInfo, DIMENSION } from '../../encode/encoder.ts';
import { bundlesThat, shareSpace } from '../../encode/spaces.ts';
import { ReelvecError } from '../../errors.ts';
import { defaultsOf } from '../../tasks/defaults.ts';
import type { Note, Source, TaskRequest } from '../../tasks/request.ts';
import type { MediaBody, MediaSource } from './media-body.ts';
import type { MediaBody35 } from './media-body-35.ts';
import { MARENGO_35 } from './model-names.ts';

interface Body {
  readonly model_name: string;
  readonly embedding_dimension?: number;
}

/** Converts a validated body to a task request, with all defaults applied. */
export function toTaskRequest(
  body: Body & { readonly input_type: InputType } & { readonly [Name in InputType]?: MediaBody | MediaBody35 },
  bundle: BundleInfo,
): { request: TaskRequest; base64?: string } {
  const inputType = body.input_type;
  const media = body[inputType]!;
  const defaults = defaultsOf(body.model_name === MARENGO_35 ? 'second' : 'first', inputType);
  const options = media.embedding_option ?? defaults.options;
  const scopes: readonly (Scope | 'local')[] = media.embedding_scope ?? defaults.scopes;
  requireEncoder(bundle, options, `${inputType}.embedding_option`);
  const fused = toFused(media.embedding_type);
  if (fused && !shareSpace(bundle, options)) throw cannotFuse(bundle, `${inputType}.embedding_type`);
  const request: TaskRequest = {
    inputType,
    modelName: body.model_name,
    source: toSource(media.media_source),
    startSec: media.start_sec,
    endSec: media.end_sec,
    segmentation: toSegmentation(media.segmentation) ?? defaults.segmentation,
    options,
    scopes: [...new Set(scopes.map((scope) => (scope === 'local' ? 'clip' : scope)))],
    ...(scopes.includes('local') && { requestedScopes: scopes }),
    ...(fused && { fused }),
    ...toNotes(media, { bundle, options, field: `${inputType}.time_based_metadata` }),
    ...toDimension(body),
  };
  return { request, base64: media.media_source.base64_string };
}

/** Texts that join the fused vectors. @throws {ReelvecError} if the bundle has no text in the space of the options */
function toNotes(
  media: MediaBody | MediaBody35,
  { bundle, options, field }: { bundle: BundleInfo; options: readonly Option[]; field: string },
): { notes?: Note[] } {
  if (!('time_based_metadata' in media) || !media.time_based_metadata) return {};
  const takesText = ({ spaces, textQuerySpaces }: BundleInfo) =>
    options.some((option) => textQuerySpaces.includes(spaces[option] ?? ''));
  if (!takesText(bundle)) {
    const message =
      `${field}: the bundle "${bundle.name}" has no text in the space of ${options.join(' and ')}. ` +
      bundlesThat((other) => shareSpace(other, options) && takesText(other));
    throw new ReelvecError('parameter_invalid', message, { details: { field } });
  }
  return { notes: media.time_based_metadata.map(({ start, end, text }) => ({ startSec: start, endSec: end, text })) };
}

/** Request of the task of an image. */
export function toImageRequest(
  body: Body & { readonly image?: { readonly media_source: MediaSource } | undefined },
  bundle: BundleInfo,
): TaskRequest {
  const options = ['visual'] as const;
  requireEncoder(bundle, options, 'image.embedding_option');
  return {
    inputType: 'image',
    modelName: body.model_name,
    source: toSource(body.image!.media_source),
    startSec: 0,
    segmentation: defaultsOf('second', 'video').segmentation,
    options,
    scopes: ['asset'],
    ...toDimension(body),
  };
}

/** Requested vector length, if it is not the default. */
export function toDimension({ embedding_dimension: length }: Body): { dimension?: number } {
  return length === undefined || length === DIMENSION ? {} : { dimension: length };
}

function toSource({ url, asset_id }: MediaSource): Source {
  if (url !== undefined) return { kind: 'url', url };
  return asset_id !== undefined ? { kind: 'asset', assetId: asset_id } : { kind: 'base64' };
}

function toFused(types: readonly string[] | undefined): TaskRequest['fused'] {
  if (!types?.includes('fused_embedding')) return undefined;
  return types.includes('separate_embedding') ? 'beside' : 'instead';
}

/** Refuses options of which the bundle has no encoder. @param field path of the parameter, for the error */
export function requireEncoder(bundle: BundleInfo, options: readonly Option[], field: string): void {
  if (options.some((option) => bundle.spaces[option] !== undefined)) return;
  const allowed = Object.keys(bundle.spaces);
  throw new ReelvecError(
    'parameter_invalid',
    `${field}: the bundle "${bundle.name}" has encoders for ${allowed.join(' and ')} only: got ${options.join(', ')}. ` +
      bundlesThat(({ spaces }) => options.some((option) => spaces[option] !== undefined)),
    { details: { field, allowed } },
  );
}

function cannotFuse(bundle: BundleInfo, field: string): ReelvecError {
  const others = bundlesThat((other) => shareSpace(other, OPTIONS));
  return new ReelvecError(
    'parameter_invalid',
    `${field}: the bundle "${bundle.name}" cannot make "fused_embedding" of these options, because their vectors lie ` +
      `in spaces that do not compare. Leave it out, or ask for "separate_embedding". ${others}`,
    { details: { field, value: 'fused_embedding', allowed: ['separate_embedding'] } },
  );
}

function toSegmentation(asked: (MediaBody | MediaBody35)['segmentation']): Segmentation | undefined {
  const given = asked && 'temporal' in asked ? asked.temporal : asked;
  if (given?.fixed) return { strategy: 'fixed', durationSec: given.fixed.duration_sec };
  if (given && 'dynamic' in given && given.dynamic) {
    return { strategy: 'dynamic', minDurationSec: given.dynamic.min_duration_sec };
  }
  return undefined;
}
