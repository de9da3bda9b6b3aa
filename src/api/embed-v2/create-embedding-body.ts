import { z } from 'zod';
import type { BundleInfo } from '../../encode/encoder.ts';
import { EMBEDDING_EXAMPLES } from './examples.ts';
import {
  audio,
  checkInput,
  exactlyOneSource,
  fields,
  mediaSource,
  modelName,
  sourceFields,
  vectorFields,
  video,
} from './media-body.ts';

const INPUTS = ['text', 'image', 'text_image', 'audio', 'video', 'multi_input'] as const;
/** Maximum media sources of a `multi_input` request. */
const MAX_SOURCES = 10;

/** Reference in a text to one of the media sources: `<@name>`. */
export const REFERENCE = /<@([^<>@\s]+)>/g;

const inputText = z.string().min(1).describe('at most 500 tokens');
const image = mediaSource.describe('JPEG, PNG, WebP or AVIF; exactly one of the three');

const namedSource = fields({
  name: z.string().min(1).max(100).optional().describe('name of the source in <@name> references of input_text'),
  media_type: z.enum(['image']),
  ...sourceFields,
}).superRefine(exactlyOneSource);

const multiInput = fields({
  input_text: inputText.optional(),
  media_sources: z
    .array(namedSource)
    .min(1)
    .refine((sources) => sources.length <= MAX_SOURCES, `must not have more than ${MAX_SOURCES} items.`)
    .meta({ maxItems: MAX_SOURCES })
    .optional(),
}).superRefine((given, context) => {
  const { input_text, media_sources = [] } = given;
  if (input_text === undefined && media_sources.length === 0) {
    const message = 'needs input_text, media_sources or both.';
    context.addIssue({ code: 'custom', params: { code: 'parameter_not_provided' }, message });
  }
  const names = media_sources.flatMap(({ name }) => (name === undefined ? [] : [name]));
  for (const [i, { name }] of media_sources.entries()) {
    if (name === undefined || media_sources.findIndex((other) => other.name === name) === i) continue;
    const message = `must be a name of its own: "${name}" is that of another source.`;
    context.addIssue({ code: 'custom', path: ['media_sources', i, 'name'], message });
  }
  for (const [reference, name] of input_text?.matchAll(REFERENCE) ?? []) {
    if (names.includes(name!)) continue;
    const known = names.length > 0 ? `Named are ${names.join(', ')}` : 'None has a name';
    context.addIssue({
      code: 'custom',
      path: ['input_text'],
      message: `refers to ${reference}, which is no source. ${known}.`,
    });
  }
});

/** Body schema of `POST /embed-v2`. */
export function createEmbeddingBody(bundle: Pick<BundleInfo, 'name' | 'dimensions'>) {
  return fields({
    input_type: z.enum(INPUTS),
    model_name: modelName(bundle),
    text: fields({ input_text: inputText }).optional().describe('when input_type is text'),
    image: fields({ media_source: image }).optional().describe('when input_type is image'),
    text_image: fields({ media_source: image, input_text: inputText })
      .optional()
      .describe('when input_type is text_image: one vector for both, if the bundle has text and pictures in one space'),
    audio: audio.optional().describe('when input_type is audio, at most 10 minutes'),
    video: video.optional().describe('when input_type is video, at most 10 minutes'),
    multi_input: multiInput
      .optional()
      .describe('when input_type is multi_input: one vector for a text, up to 10 images, or both together'),
    ...vectorFields(bundle),
  })
    .superRefine((given, context) => checkInput(given, INPUTS, context))
    .meta({ title: 'CreateEmbeddingRequest', 'x-examples': EMBEDDING_EXAMPLES });
}

export type CreateEmbeddingBody = z.infer<ReturnType<typeof createEmbeddingBody>>;
