import type { BundleInfo } from '../../encode/encoder.ts';
import type { QueryPart, QuerySource, VectorQuery } from '../../queries/request.ts';
import { querySpaces } from '../../queries/spaces.ts';
import { checkText } from '../../queries/text.ts';
import { type CreateEmbeddingBody, REFERENCE } from './create-embedding-body.ts';
import type { MediaSource } from './media-body.ts';
import { toDimension } from './task-request.ts';

/**
 * Converts a validated body to a query of text, pictures, or both.
 * @param space the only space wanted, if the bundle has several
 * @throws {ReelvecError} for a text that is too long, or an input that the bundle does not support
 */
export function toVectorQuery(body: CreateEmbeddingBody, bundle: BundleInfo, space?: string): VectorQuery {
  const { input_type: inputType } = body;
  const text = textOf(body);
  const pictures = picturesOf(body);
  const textField = `${inputType}.input_text`;
  if (text !== undefined) checkText(text, textField);
  const found = querySpaces(bundle, { inputType, hasText: text !== undefined, hasPicture: pictures.length > 0, space });
  // Only text alone gets a vector per space.
  const spaces = inputType === 'text' ? found : found.slice(0, 1);
  const texts = text === undefined ? [] : [{ kind: 'text' as const, text }];
  const parts =
    bundle.takesJointInput && body.multi_input && pictures.length > 0
      ? inPlace(body.multi_input, pictures, text !== undefined)
      : [...pictures, ...texts];
  return { parts, textField, spaces, ...toDimension(body) };
}

export function toQuerySource({ url, asset_id, base64_string }: MediaSource): QuerySource {
  if (url !== undefined) return { kind: 'url', url };
  return asset_id !== undefined ? { kind: 'asset', assetId: asset_id } : { kind: 'base64', base64: base64_string! };
}

type PicturePart = Extract<QueryPart, { kind: 'picture' }>;

/** Text of a request, without references. Undefined if there is none beside pictures. */
function textOf({ text, text_image, multi_input }: CreateEmbeddingBody): string | undefined {
  const plain = (text ?? text_image)?.input_text ?? withoutReferences(multi_input?.input_text);
  return plain === '' && multi_input?.media_sources ? undefined : plain;
}

function picturesOf({ image, text_image, multi_input }: CreateEmbeddingBody): PicturePart[] {
  const part = (field: string, source: MediaSource): PicturePart => ({
    kind: 'picture',
    field,
    source: toQuerySource(source),
  });
  if (image) return [part('image.media_source', image.media_source)];
  if (text_image) return [part('text_image.media_source', text_image.media_source)];
  const { media_sources = [] } = multi_input ?? {};
  return media_sources.map((source, i) => part(`multi_input.media_sources.${i}`, source));
}

/**
 * Parts of a text with each picture in the place of its first `<@name>` reference. Later references to it are left out.
 * Pictures without a reference come first.
 * @param pictures those of `media_sources`, in order
 * @param hasText false if there is nothing but references and space, which is left out
 */
function inPlace(
  { input_text = '', media_sources = [] }: NonNullable<CreateEmbeddingBody['multi_input']>,
  pictures: readonly PicturePart[],
  hasText: boolean,
): QueryPart[] {
  const rest = new Map(media_sources.map(({ name }, i) => [name ?? i, pictures[i]!] as const));
  // A pattern with a group splits into text and names by turns.
  const placed = input_text.split(REFERENCE).flatMap((piece, i): QueryPart[] => {
    if (i % 2 === 0) return piece === '' || !hasText ? [] : [{ kind: 'text', text: piece }];
    const picture = rest.get(piece);
    rest.delete(piece);
    return picture ? [picture] : [];
  });
  return [...rest.values(), ...placed];
}

/** Removes `<@name>` references, which text encoders do not understand. The picture is encoded separately. */
function withoutReferences(text: string | undefined): string | undefined {
  return text?.replace(REFERENCE, ' ').replace(/\s+/g, ' ').trim();
}
