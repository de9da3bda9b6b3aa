import type { TextLimit } from '../../domain/text-limit.ts';
import type { BundleInfo } from '../../encode/encoder.ts';
import type { QueryPart, QuerySource, VectorQuery } from '../../queries/request.ts';
import { querySpaces } from '../../queries/spaces.ts';
import { checkText } from '../../queries/text.ts';
import { type CreateEmbeddingBody, type CreateEmbeddingBody35, REFERENCE } from './create-embedding-body.ts';
import type { MediaSource } from './media-body.ts';
import { MARENGO_35 } from './model-names.ts';
import { toDimension } from './task-request.ts';

/**
 * Converts a validated body to a query of text, media, or both.
 * @param space the only space wanted, if the bundle has several
 * @throws {ReelvecError} for a text that is too long, or an input that the bundle does not support
 */
export function toVectorQuery(body: VectorBody, bundle: BundleInfo, space?: string): VectorQuery {
  const { input_type: inputType } = body;
  const given = textOf(body);
  const media = mediaOf(body);
  const textField = `${inputType}.input_text`;
  const textLimit = body.model_name === MARENGO_35 ? limitOf(body) : undefined;
  const text = given === undefined ? undefined : checkText(given, textField, textLimit);
  const isShortened = text !== given;
  const hasSound = media.some(({ kind }) => kind === 'audio');
  const hasPicture = media.some(({ kind }) => kind !== 'audio');
  const found = querySpaces(bundle, { inputType, hasText: text !== undefined, hasPicture, hasSound, space });
  // Only text alone gets a vector per space.
  const spaces = inputType === 'text' ? found : found.slice(0, 1);
  const texts = text === undefined ? [] : [{ kind: 'text' as const, text }];
  const parts =
    bundle.takesJointInput && body.multi_input && media.length > 0 && !isShortened
      ? inPlace(body.multi_input, media, text !== undefined)
      : [...media, ...texts];
  return { parts, textField, spaces, ...(textLimit && { textLimit, isShortened }), ...toDimension(body) };
}

export function toQuerySource({ url, asset_id, base64_string }: MediaSource): QuerySource {
  if (url !== undefined) return { kind: 'url', url };
  return asset_id !== undefined ? { kind: 'asset', assetId: asset_id } : { kind: 'base64', base64: base64_string! };
}

type MediaPart = Exclude<QueryPart, { kind: 'text' }>;

/** Text and media of a body, in the shapes of either model generation. */
interface VectorBody extends Partial<Pick<CreateEmbeddingBody, 'text' | 'image' | 'text_image'>> {
  readonly input_type: string;
  readonly model_name: string;
  readonly auto_truncate?: boolean;
  readonly multi_input?: (CreateEmbeddingBody | CreateEmbeddingBody35)['multi_input'];
  readonly embedding_dimension?: number;
}

/** Limit of a text for marengo3.5. */
function limitOf({ auto_truncate: truncate = false }: VectorBody): TextLimit {
  return { maxTokens: 2000, truncate };
}

/** Text of a request, without references. Undefined if there is none beside media. */
function textOf({ text, text_image, multi_input }: VectorBody): string | undefined {
  const plain = (text ?? text_image)?.input_text ?? withoutReferences(multi_input?.input_text);
  return plain === '' && multi_input?.media_sources ? undefined : plain;
}

function mediaOf({ image, text_image, multi_input }: VectorBody): MediaPart[] {
  const picture = (field: string, source: MediaSource) => ({
    kind: 'picture' as const,
    field,
    source: toQuerySource(source),
  });
  if (image) return [picture('image.media_source', image.media_source)];
  if (text_image) return [picture('text_image.media_source', text_image.media_source)];
  const { media_sources = [] } = multi_input ?? {};
  return media_sources.map((source, i) => ({
    kind: source.media_type === 'image' ? 'picture' : source.media_type,
    field: `multi_input.media_sources.${i}`,
    source: toQuerySource(source),
  }));
}

/**
 * Parts of a text with each media source in the place of its first `<@name>` reference. Later references to it are left
 * out. Media without a reference come first.
 * @param media those of `media_sources`, in order
 * @param hasText false if there is nothing but references and space, which is left out
 */
function inPlace(
  { input_text = '', media_sources = [] }: NonNullable<VectorBody['multi_input']>,
  media: readonly MediaPart[],
  hasText: boolean,
): QueryPart[] {
  const rest = new Map(media_sources.map(({ name }, i) => [name ?? i, media[i]!] as const));
  // A pattern with a group splits into text and names by turns.
  const placed = input_text.split(REFERENCE).flatMap((piece, i): QueryPart[] => {
    if (i % 2 === 0) return piece === '' || !hasText ? [] : [{ kind: 'text', text: piece }];
    const part = rest.get(piece);
    rest.delete(piece);
    return part ? [part] : [];
  });
  return [...rest.values(), ...placed];
}

/** Removes `<@name>` references, which text encoders do not understand. The media are encoded separately. */
function withoutReferences(text: string | undefined): string | undefined {
  return text?.replace(REFERENCE, ' ').replace(/\s+/g, ' ').trim();
}
