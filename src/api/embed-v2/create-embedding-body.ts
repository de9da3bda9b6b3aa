import { z } from 'zod';
import {
  audio,
  checkInput,
  exactlyOneSource,
  fields,
  mediaSource,
  sourceFields,
  vectorFields,
  video,
} from './media-body.ts';
import { inputTypes, noUncertainty, OTHER_INPUTS } from './media-body-35.ts';
import { firstGenerationNames, MARENGO_35, modelName, type Served } from './model-names.ts';

const INPUTS = ['text', 'image', 'text_image', 'audio', 'video', 'multi_input'] as const;
/** Maximum media sources of a `multi_input` request. */
const MAX_SOURCES = 10;

/** Reference in a text to one of the media sources: `<@name>`. */
export const REFERENCE = /<@([^<>@\s]+)>/g;

const inputText = z.string().min(1).describe('at most 500 tokens');
const image = mediaSource.describe('JPEG, PNG, WebP or AVIF; exactly one of the three');

function namedSource<const Types extends readonly [string, ...string[]]>(types: Types) {
  return fields({
    name: z.string().min(1).max(100).optional().describe('name of the source in <@name> references of input_text'),
    media_type: z.enum(types),
    ...sourceFields,
  }).superRefine(exactlyOneSource);
}

function multiInputFields<Source extends z.ZodType>(source: Source, text: z.ZodString) {
  return {
    input_text: text.optional(),
    media_sources: z
      .array(source)
      .min(1)
      .refine((sources) => sources.length <= MAX_SOURCES, `must not have more than ${MAX_SOURCES} items.`)
      .meta({ maxItems: MAX_SOURCES })
      .optional(),
  };
}

const multiInput = fields(multiInputFields(namedSource(['image']), inputText)).superRefine(checkSources);

const multiInput35 = fields(
  multiInputFields(namedSource(['image', 'video', 'audio']), z.string().min(1).describe('at most 2,000 tokens')),
)
  .superRefine(checkSources)
  .superRefine(({ input_text, media_sources = [] }, context) => {
    const types = new Set(media_sources.map(({ media_type }) => media_type));
    if (types.size < 2 || input_text !== undefined) return;
    const message = `is required beside media of several types: got ${[...types].join(' and ')}.`;
    context.addIssue({ code: 'custom', path: ['input_text'], params: { code: 'parameter_not_provided' }, message });
  })
  .meta({ title: 'MultiInputRequest' });

/** Checks the names of media sources, and the references to them. */
function checkSources(
  given: { readonly input_text?: string; readonly media_sources?: readonly { readonly name?: string }[] },
  context: z.RefinementCtx,
): void {
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
}

/** Body schemas of `POST /embed-v2`, by model generation. */
export function createEmbeddingBodies(served: Served) {
  const { bundle } = served;
  const first = fields({
    input_type: z.enum(INPUTS),
    model_name: modelName(firstGenerationNames(served), served, 'CreateAsyncEmbeddingRequestModelName'),
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
    .meta({ title: 'CreateEmbeddingRequest' });
  const second = fields(
    {
      input_type: inputTypes(['multi_input'], ' with marengo3.5'),
      model_name: z.literal(MARENGO_35),
      multi_input: multiInput35.describe('one vector for a text, up to 10 media sources, or both together'),
      auto_truncate: z.boolean().default(false).describe('true shortens a text of more than 2,000 tokens'),
      ...vectorFields(bundle),
      embedding_uncertainty: noUncertainty,
    },
    OTHER_INPUTS,
  ).meta({ title: 'CreateEmbeddingRequestMarengo35' });
  return { first, second };
}

export type CreateEmbeddingBody = z.infer<ReturnType<typeof createEmbeddingBodies>['first']>;
export type CreateEmbeddingBody35 = z.infer<ReturnType<typeof createEmbeddingBodies>['second']>;
