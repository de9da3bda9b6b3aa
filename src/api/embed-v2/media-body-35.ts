import { z } from 'zod';
import { checkRange, dynamic, fields, fixed, mediaSource, rangeFields, requireStrategy, words } from './media-body.ts';
import { embeddingType, requestedScope } from './schemas.ts';

/** Media objects in the shapes of marengo3.5. */

const FLAT = 'is how marengo3.0 has it. For marengo3.5 put strategy and its settings into "temporal".';
/** Fields of the other model generation and fields that no bundle can serve, with the end of their error message. */
const OTHERS: Readonly<Record<string, string>> = {
  strategy: FLAT,
  fixed: FLAT,
  dynamic: FLAT,
  spatial: 'divides the pages of documents, which this server does not embed.',
  sequential: 'divides the text of documents, which this server does not embed.',
};
const NO_TRANSCRIPTION = 'must not be "transcription" with marengo3.5. Leave it out, or use model_name "marengo3.0".';
const options = z.enum(['visual', 'audio'], {
  error: ({ input }) => (input === 'transcription' ? NO_TRANSCRIPTION : undefined),
});
const audioOption = z.literal('audio', {
  error: ({ input }) => (input === 'transcription' ? NO_TRANSCRIPTION : undefined),
});

const temporal = fields({
  strategy: z.enum(['dynamic', 'fixed']).describe('dynamic follows the shots; sound alone is cut into equal parts'),
  dynamic: dynamic.meta({ title: 'TemporalSegmentationDynamicDynamic' }).optional(),
  fixed: fixed.meta({ title: 'TemporalSegmentationFixedFixed' }).optional(),
})
  .superRefine(requireStrategy)
  .meta({ title: 'TemporalSegmentation' });

/** Maximum number of texts in `time_based_metadata`. */
const MAX_NOTES = 1000;

const note = fields({
  start: z.number().min(0).describe('seconds from the start of the file'),
  end: z.number().min(0).describe('equal to start for a moment'),
  text: z.string().min(1).max(2000),
})
  .superRefine(({ start, end }, context) => {
    if (end >= start) return;
    const message = `must be at least start, which is ${start}: got ${end}.`;
    context.addIssue({ code: 'custom', path: ['end'], message });
  })
  .meta({ title: 'TimeBasedMetadataEntry' });

const media = {
  ...rangeFields,
  segmentation: fields({ temporal }, OTHERS)
    .meta({ title: 'AsyncTemporalSegmentation', description: 'default: dynamic, at least 2 s' })
    .optional(),
  embedding_scope: words(requestedScope, 'default: clip and asset; local is the same as clip'),
  embedding_type: words(embeddingType, 'default: separate_embedding; fused_embedding needs time_based_metadata'),
  time_based_metadata: z
    .array(note)
    .min(1)
    .refine((notes) => notes.length <= MAX_NOTES, `must not have more than ${MAX_NOTES} items.`)
    .meta({ maxItems: MAX_NOTES })
    .optional()
    .describe('texts that join the fused vectors of the segments that they overlap'),
};

/** Requires fused vectors and the texts that join them together. */
function checkNotes(
  given: { readonly embedding_type?: string[] | undefined; readonly time_based_metadata?: unknown[] | undefined },
  context: z.RefinementCtx,
): void {
  const isFused = given.embedding_type?.includes('fused_embedding') ?? false;
  if (isFused === (given.time_based_metadata !== undefined)) return;
  const [path, other] = isFused
    ? ['time_based_metadata', 'embedding_type has "fused_embedding"']
    : ['embedding_type', 'there is time_based_metadata: "fused_embedding"'];
  context.addIssue({
    code: 'custom',
    path: [path!],
    params: { code: 'parameter_not_provided' },
    message: `is required when ${other}.`,
  });
}

export const video35 = fields({ ...media, embedding_option: words(options, 'default: both') }, OTHERS)
  .superRefine(checkRange)
  .superRefine(checkNotes)
  .meta({ title: 'AsyncVideoInputRequest' });

export const audio35 = fields({ ...media, embedding_option: words(audioOption, 'default: audio') }, OTHERS)
  .superRefine(checkRange)
  .superRefine(checkNotes)
  .meta({ title: 'AsyncAudioInputRequest' });

/** An image, for which each list has one value. */
export const image35 = fields({
  media_source: mediaSource.describe('JPEG, PNG, WebP or AVIF; exactly one of the three'),
  embedding_option: words(z.enum(['visual']), 'visual'),
  embedding_type: words(z.enum(['separate_embedding']), 'separate_embedding'),
  embedding_scope: words(z.enum(['asset']), 'asset'),
}).meta({ title: 'AsyncImageInputRequest' });

export type MediaBody35 = z.infer<typeof video35> | z.infer<typeof audio35>;

/** Error messages of unknown fields of a body. */
export const OTHER_INPUTS: Readonly<Record<string, string>> = {
  document: 'is for documents, which this server does not embed. Leave it out.',
};

/** Schema of `input_type`, whose refusal of documents says so. */
export function inputTypes<const Names extends readonly [string, ...string[]]>(names: Names, more = '') {
  return z.enum(names, {
    error: ({ input }) => {
      if (input === undefined) return undefined;
      if (input === 'document') return 'must not be "document": this server does not embed documents.';
      return `must be ${names.map((name) => JSON.stringify(name)).join(' or ')}${more}: got ${JSON.stringify(input)}.`;
    },
  });
}

/** Schema of `embedding_uncertainty`, which no bundle can estimate. */
export const noUncertainty = z
  .literal(false, { error: 'must be false or absent: no bundle can tell how uncertain its vectors are.' })
  .optional();
