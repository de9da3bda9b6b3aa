import { z } from 'zod';
import type { BundleInfo } from '../../encode/encoder.ts';
import { embeddingType, option, scope } from './schemas.ts';

/** Fields of later API generations, with the end of their error message. */
const LATER: Readonly<Record<string, string>> = {
  document: 'is for documents, which this server does not embed: input_type may be "video" or "audio".',
  image: 'is for images, which tasks do not embed here: input_type may be "video" or "audio".',
  time_based_metadata: 'belongs to marengo3.5. Leave it out.',
  auto_truncate: 'belongs to marengo3.5. Leave it out, and shorten what is too long.',
  temporal: 'is how marengo3.5 wraps it. For marengo3.0 give strategy and its settings here, without "temporal".',
};

/** Strict object schema. @param known error messages of unknown fields; default: those of later API generations */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape, known = LATER) {
  return z.strictObject(shape, {
    // Several unknown fields have one message, so the reason of one of them must not be given for all.
    error: ({ code, keys }) =>
      (code === 'unrecognized_keys' && keys?.length === 1 && known[String(keys[0])]) || undefined,
  });
}

/** List schema without duplicates. A single string is a list of one. */
export function words<Word extends z.ZodType>(word: Word, what: string) {
  const list = z
    .array(word)
    .min(1)
    .refine((given) => new Set(given).size === given.length, 'must not name anything twice.')
    .meta({ uniqueItems: true });
  return z.preprocess((given) => (typeof given === 'string' ? [given] : given), list.optional()).describe(what);
}

/** Fields of the three kinds of media source. */
export const sourceFields = {
  url: z.string().min(1).optional().describe('http(s) link to the file itself'),
  base64_string: z.string().min(1).optional().describe('the file as base64; at most 36 MB decoded'),
  asset_id: z.string().min(1).optional().describe('an asset that is ready'),
};

export function exactlyOneSource(source: object, context: z.RefinementCtx): void {
  const given = Object.keys(source).filter((name) => name in sourceFields);
  if (given.length === 1) return;
  context.addIssue({
    code: 'custom',
    params: { code: given.length === 0 ? 'parameter_not_provided' : 'parameter_invalid' },
    message: `must have exactly one of url, base64_string and asset_id: got ${given.join(' and ') || 'none'}.`,
  });
}

export const mediaSource = fields(sourceFields)
  .superRefine(exactlyOneSource)
  .meta({ title: 'MediaSource', description: 'exactly one of the three' });

export const fixed = fields({ duration_sec: z.int().min(1).max(10).describe('length of a segment in seconds') });
export const dynamic = fields({
  min_duration_sec: z.int().min(1).max(5).describe('shortest length of a segment in seconds'),
});

const videoSegmentation = fields({
  strategy: z.enum(['dynamic', 'fixed']).describe('dynamic follows the shots'),
  dynamic: dynamic.meta({ title: 'VideoSegmentationOneOf0Dynamic' }).optional(),
  fixed: fixed.meta({ title: 'VideoSegmentationOneOf1Fixed' }).optional(),
})
  .describe('default: dynamic, at least 4 s')
  .superRefine(requireStrategy)
  .meta({ title: 'VideoSegmentation' });

/** Requires the settings of the strategy, and refuses those of the other. */
export function requireStrategy(
  given: { readonly strategy: 'dynamic' | 'fixed'; readonly dynamic?: unknown; readonly fixed?: unknown },
  context: z.RefinementCtx,
): void {
  const other = given.strategy === 'fixed' ? 'dynamic' : 'fixed';
  if (given[given.strategy] === undefined) {
    const message = `is required when strategy is "${given.strategy}".`;
    context.addIssue({ code: 'custom', path: [given.strategy], params: { code: 'parameter_not_provided' }, message });
  }
  if (given[other] !== undefined) {
    const message = `does not go with strategy "${given.strategy}". Leave it out, or change the strategy.`;
    context.addIssue({ code: 'custom', path: [other], message });
  }
}

const audioSegmentation = fields({
  strategy: z.enum(['fixed']),
  fixed: fixed.meta({ title: 'AudioSegmentationFixed' }),
}).meta({ title: 'AudioSegmentation', description: 'default: fixed, 6 s' });

/** Fields of media in every model generation. */
export const rangeFields = {
  media_source: mediaSource,
  start_sec: z.number().min(0).default(0).describe('start of the range, in seconds from the start of the file'),
  end_sec: z.number().min(0).optional().describe('end of the range; default: the end of the file'),
};

const media = {
  ...rangeFields,
  embedding_scope: words(scope, 'default: both'),
  embedding_type: words(embeddingType, 'default: separate_embedding; fused needs options that share a space'),
};

export const video = fields({
  ...media,
  segmentation: videoSegmentation.optional(),
  embedding_option: words(option.meta({ title: 'VideoInputRequestEmbeddingOptionItems' }), 'default: all three'),
})
  .superRefine(checkMedia)
  .meta({ title: 'VideoInputRequest' });

export const audio = fields({
  ...media,
  segmentation: audioSegmentation.optional(),
  embedding_option: words(
    option.exclude(['visual']).meta({ title: 'AudioInputRequestEmbeddingOptionItems' }),
    'default: both',
  ),
})
  .superRefine(checkMedia)
  .meta({ title: 'AudioInputRequest' });

export function checkRange(
  { start_sec, end_sec }: { start_sec: number; end_sec?: number },
  context: z.RefinementCtx,
): void {
  if (end_sec === undefined || end_sec > start_sec) return;
  const message = `must be more than start_sec, which is ${start_sec}: got ${end_sec}.`;
  context.addIssue({ code: 'custom', path: ['end_sec'], message });
}

function checkMedia(
  given: { start_sec: number; end_sec?: number; embedding_option?: string[]; embedding_type?: string[] },
  context: z.RefinementCtx,
): void {
  checkRange(given, context);
  const { embedding_option, embedding_type } = given;
  if (embedding_type?.includes('fused_embedding') && embedding_option?.length === 1) {
    const message = '"fused_embedding" needs at least two values in embedding_option: got one.';
    context.addIssue({ code: 'custom', path: ['embedding_type'], message });
  }
}

/** Fields of every request that select the kind of vectors. */
export function vectorFields(bundle: Pick<BundleInfo, 'dimensions'>) {
  return {
    embedding_dimension: z
      .literal([...bundle.dimensions])
      .optional()
      .describe('length of the vectors; shorter ones are prefixes of the long ones, scaled to norm 1'),
    embedding_uncertainty: z.literal(false).optional(),
  };
}

/** Requires the media object of `input_type`, and refuses the others. */
export function checkInput<Name extends string>(
  given: { readonly input_type: Name } & { readonly [Key in Name]?: unknown },
  names: readonly Name[],
  context: z.RefinementCtx,
): void {
  const type = JSON.stringify(given.input_type);
  for (const name of names) {
    const isGiven = given[name] !== undefined;
    if (name === given.input_type && !isGiven) {
      const message = `is required when input_type is ${type}.`;
      context.addIssue({ code: 'custom', path: [name], params: { code: 'parameter_not_provided' }, message });
    }
    if (name !== given.input_type && isGiven) {
      const message = `does not go with input_type ${type}. Send ${given.input_type} only.`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
}

/** Source of a media object. */
export type MediaSource = z.infer<typeof mediaSource>;
export type MediaBody = z.infer<typeof video> | z.infer<typeof audio>;
