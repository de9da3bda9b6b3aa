import { z } from 'zod';
import { allNames, modelName, type Served } from '../embed-v2/model-names.ts';

/** Maximum inputs of a request, as in the OpenAI API. */
const MAX_INPUTS = 2048;

const INPUT_RULE = 'must be a text, a part with text or an image, or a list of them.';
const TOKENS_RULE =
  'is a list of token ids, which belong to the tokenizer of another model. Send the text itself; in LangChain, set ' +
  'check_embedding_ctx_length to False.';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.union([z.string(), z.strictObject({ url: z.string(), detail: z.string().optional() })]),
});
const content = z.union([z.string(), z.array(z.union([textPart, imagePart])).min(1)]);
const item = z.union(
  [
    z.string(),
    textPart,
    imagePart,
    z.strictObject({ text: z.string() }),
    z.strictObject({ image: z.string() }),
    z.strictObject({ content }).describe('several parts with one vector, if the bundle supports it'),
  ],
  { error: INPUT_RULE },
);

/** Body schema of `POST /v1/embeddings`. */
export function openAiEmbeddingsBody(served: Served) {
  const { bundle } = served;
  return z
    .strictObject({
      model: modelName(allNames(served), served),
      input: z
        .union([item, z.array(item).min(1).max(MAX_INPUTS)], {
          error: ({ input }) => (isTokens(input) ? TOKENS_RULE : INPUT_RULE),
        })
        .optional()
        .describe('one input, or up to 2048; image URLs may be data: URLs'),
      messages: z
        .array(z.strictObject({ role: z.string(), content }))
        .length(1, 'must have one message, of which there is one vector.')
        .optional()
        .describe('in place of input: one input with several parts'),
      dimensions: z
        .literal([...bundle.dimensions])
        .optional()
        .describe('length of the vectors'),
      encoding_format: z
        .enum(['float', 'base64'])
        .default('float')
        .describe('base64: float32 values, the lowest byte first'),
      user: z.string().optional().describe('has no effect'),
    })
    .superRefine(({ input, messages }, context) => {
      if ((input === undefined) !== (messages === undefined)) return;
      const params = { code: input === undefined ? 'parameter_not_provided' : 'parameter_invalid' };
      const message = input === undefined ? 'is required.' : 'does not go with messages. Send one of the two.';
      context.addIssue({ code: 'custom', path: ['input'], params, message });
    })
    .meta({
      title: 'CreateOpenAiEmbeddingRequest',
      'x-examples': {
        text: { summary: 'Words', value: { model: 'marengo3.0', input: ['the keeper of a lighthouse'] } },
      },
    });
}

export type OpenAiEmbeddingsBody = z.infer<ReturnType<typeof openAiEmbeddingsBody>>;

/** Part of an input. */
export type OpenAiPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'picture'; readonly field: string; readonly url: string };

/** One input of a request. Its parts share one vector. */
export interface OpenAiInput {
  /** Path of the input, for errors. */
  readonly field: string;
  readonly parts: readonly OpenAiPart[];
}

export function inputsOf({ input, messages }: OpenAiEmbeddingsBody): OpenAiInput[] {
  if (messages) return messages.map((message, i) => inputOf(message, `messages.${i}`));
  if (Array.isArray(input)) return input.map((given, i) => inputOf(given, `input.${i}`));
  return [inputOf(input!, 'input')];
}

type Item = z.infer<typeof item>;

function inputOf(given: Item, field: string): OpenAiInput {
  if (typeof given === 'string' || !('content' in given)) return { field, parts: [partOf(given, field)] };
  const at = `${field}.content`;
  if (typeof given.content === 'string') return { field: at, parts: [partOf(given.content, at)] };
  return { field, parts: given.content.map((part, i) => partOf(part, `${at}.${i}`)) };
}

function partOf(given: Exclude<Item, { content: unknown }>, field: string): OpenAiPart {
  if (typeof given === 'string') return { kind: 'text', text: given };
  if ('text' in given) return { kind: 'text', text: given.text };
  if ('image' in given) return { kind: 'picture', field: `${field}.image`, url: given.image };
  const { image_url: image } = given;
  if (typeof image === 'string') return { kind: 'picture', field: `${field}.image_url`, url: image };
  return { kind: 'picture', field: `${field}.image_url.url`, url: image.url };
}

function isTokens(input: unknown): boolean {
  const first = Array.isArray(input) ? input[0] : undefined;
  return typeof first === 'number' || (Array.isArray(first) && typeof first[0] === 'number');
}
