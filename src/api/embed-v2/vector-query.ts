import type { BundleInfo } from '../../encode/encoder.ts';
import type { PictureSource, QuerySource, VectorQuery } from '../../queries/request.ts';
import { querySpaces } from '../../queries/spaces.ts';
import { checkText } from '../../queries/text.ts';
import { type CreateEmbeddingBody, REFERENCE } from './create-embedding-body.ts';
import type { MediaSource } from './media-body.ts';
import { toDimension } from './task-request.ts';

/** Text and pictures of a request, with the paths of their fields. */
interface VectorInput {
  readonly text?: string;
  readonly pictures: readonly PictureSource[];
}

/**
 * Converts a validated body to a query of text, pictures, or both.
 * @param space the only space wanted, if the bundle has several
 * @throws {ReelvecError} for a text that is too long, or an input that the bundle does not support
 */
export function toVectorQuery(body: CreateEmbeddingBody, bundle: BundleInfo, space?: string): VectorQuery {
  const { input_type: inputType } = body;
  const { text, pictures } = toInput(body);
  const textField = `${inputType}.input_text`;
  if (text !== undefined) checkText(text, textField);
  const found = querySpaces(bundle, { inputType, hasText: text !== undefined, hasPicture: pictures.length > 0, space });
  // Only text alone gets a vector per space.
  const spaces = inputType === 'text' ? found : found.slice(0, 1);
  return { text, textField, pictures, spaces, ...toDimension(body) };
}

export function toQuerySource({ url, asset_id, base64_string }: MediaSource): QuerySource {
  if (url !== undefined) return { kind: 'url', url };
  return asset_id !== undefined ? { kind: 'asset', assetId: asset_id } : { kind: 'base64', base64: base64_string! };
}

function toInput({ text, image, text_image, multi_input }: CreateEmbeddingBody): VectorInput {
  if (text) return { text: text.input_text, pictures: [] };
  if (image) return { pictures: [{ field: 'image.media_source', source: toQuerySource(image.media_source) }] };
  if (text_image) {
    const source = toQuerySource(text_image.media_source);
    return { text: text_image.input_text, pictures: [{ field: 'text_image.media_source', source }] };
  }
  const { input_text, media_sources = [] } = multi_input!;
  return {
    text: withoutReferences(input_text),
    pictures: media_sources.map((source, i) => ({
      field: `multi_input.media_sources.${i}`,
      source: toQuerySource(source),
    })),
  };
}

/** Removes `<@name>` references, which text encoders do not understand. The picture is encoded separately. */
function withoutReferences(text: string | undefined): string | undefined {
  const plain = text?.replace(REFERENCE, ' ').replace(/\s+/g, ' ').trim();
  return plain === '' && text !== plain ? undefined : plain;
}
