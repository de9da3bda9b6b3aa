import { z } from 'zod';
import { DIMENSION } from '../encoder.ts';

/**
 * Encoders of a bundle file that use `POST /v1/embeddings` of vLLM, SGLang or llama.cpp. The server decodes, resizes and
 * tokenises, so the bundle says only what is sent.
 */

/** Fields of an encoder for every kind of input. */
const server = {
  kind: z.literal('openai-embeddings'),
  /** The server program, which decides on the form of media in requests. */
  dialect: z.enum(['vllm', 'sglang', 'llama.cpp']),
  /** Name of the model on the server. */
  model: z.string().min(1),
  /** Name of the vector space. Vectors of encoders with the same space are comparable. */
  space: z.string().min(1),
  /**
   * Length of the server's vectors. Longer ones are truncated to 512, so the model must be trained for prefixes. Shorter ones
   * are filled with zeros.
   */
  dimension: z.int().min(1).default(DIMENSION),
  /** Maximum number of inputs per request. vLLM takes media one at a time, and batches the requests itself. */
  batch: z.int().min(1).max(256).default(8),
};

/** Pictures of a segment. */
const pictures = z.strictObject({
  /** Pictures per second of film. */
  perSecond: z.number().positive().max(30).default(1),
  /** Maximum number of pictures per segment; evenly spaced. */
  perClip: z.int().min(1).max(256).default(32),
  /** Maximum length of the longer side, in pixels. Larger pictures are scaled down. */
  maxSide: z.int().min(16).max(4096).default(768),
  /**
   * Form in which the model sees a segment: `mean` has each picture embedded on its own and takes the mean of the vectors;
   * `images` are one input of several images; `video` is one video.
   */
  as: z.enum(['mean', 'images', 'video']).default('mean'),
  /** With `mean`: see `sameUpTo` of an `onnx` encoder. */
  sameUpTo: z.number().min(0).max(255).optional(),
});
/** Pictures of a segment, with defaults filled in. */
export type SentPictures = z.infer<typeof pictures>;

const sound = z.strictObject({
  /** Sample rate, in hertz. */
  sampleRate: z.int().min(8000).max(96_000).default(16_000),
  /** Maximum length of an input, in seconds. A longer segment is split, and its vector is the mean. */
  windowSec: z.number().positive().max(600).default(30),
});
/** Sound of a segment, with defaults filled in. */
export type SentSound = z.infer<typeof sound>;

const text = z.strictObject({
  /** Prefix of every text, such as "query: ". */
  prefix: z.string().default(''),
  /** vLLM only: text goes through the server's chat template, as media always do. */
  chat: z.boolean().default(false),
});
/** Preparation of text, with defaults filled in. */
export type SentText = z.infer<typeof text>;

const onlyVllm = (dialect: string, uses: boolean, path: string[], remedy: string, context: z.core.$RefinementCtx) => {
  if (dialect === 'vllm' || !uses) return;
  context.addIssue({ code: 'custom', path, message: `is for the dialect vllm. ${remedy}`, input: undefined });
};

/** Encoder of pictures. */
export const visualOnServer = z
  .strictObject({
    ...server,
    pictures,
    /**
     * True if the model embeds text, pictures and sound together. Queries of several parts are then one input; otherwise their
     * vector is the mean of those of the parts.
     */
    joint: z.boolean().default(false),
  })
  .superRefine(({ dialect, pictures: { as }, joint }, context) => {
    onlyVllm(dialect, as === 'video', ['pictures', 'as'], 'Use "images" or "mean".', context);
    if (!joint || dialect !== 'sglang') return;
    const message =
      'must be false with the dialect sglang, which has no way to mark the places of media for every model.';
    context.addIssue({ code: 'custom', path: ['joint'], message, input: joint });
  });
/** Encoder of sound. */
export const audioOnServer = z.strictObject({ ...server, sound });
/** Encoder of text. */
export const textOnServer = z.strictObject({ ...server, text }).superRefine(({ dialect, text: { chat } }, context) => {
  onlyVllm(dialect, chat, ['text', 'chat'], 'Leave it out.', context);
});

/** The model of an encoder, without its inputs. */
export type ServerModelSpec = z.infer<z.ZodObject<typeof server, z.core.$strict>>;
