import { z } from 'zod';
import { fileRef } from '../spec-fields.ts';

/** Preprocessing of media in a bundle file, for models whose inputs are made here. */

/** Preprocessing of pictures. */
export const pictures = z.strictObject({
  /** Pictures per second of film. */
  perSecond: z.number().positive().max(30),
  /** Maximum number of pictures per clip; evenly spaced. */
  perClip: z.int().min(1).default(32),
  /**
   * Largest difference to the last embedded picture of the clip at which a picture takes over its vector, as a mean over
   * the picture in steps of 8 bits (see `pictureDifference`). Default: every picture is embedded.
   */
  sameUpTo: z.number().min(0).max(255).optional(),
  /** Width of the model's input, in pixels. */
  width: z.int().min(1).max(2048),
  /** Height of the model's input, in pixels. */
  height: z.int().min(1).max(2048),
  /** `cover` scales the shorter side to `shortestEdge` and crops the centre; `stretch` ignores the aspect ratio. */
  fit: z.enum(['cover', 'stretch']),
  /** Length of the shorter side before the crop, in pixels. Default: the side of the input. */
  shortestEdge: z.int().min(1).max(4096).optional(),
  /** Resampling filter, with antialiasing, as in Pillow. */
  filter: z.enum(['bilinear', 'bicubic', 'lanczos']),
  /** Mean of red, green and blue, on a scale of 0 to 1. Subtracted from the input. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  /** Standard deviation of red, green and blue, on a scale of 0 to 1. Divides the input. */
  deviation: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
});
/** Preprocessing of pictures, with defaults filled in. */
export type PicturesSpec = z.infer<typeof pictures>;

/** Preprocessing of sound. */
export const sound = z.strictObject({
  /** Sample rate of the model's input, in hertz. */
  sampleRate: z.int().min(8000).max(96_000),
  /** Length of the model's input, in seconds. A longer clip is split into several windows. */
  windowSec: z.number().positive().max(60),
  /** Padding of a shorter clip: `repeat` fits in as many whole copies as possible, then silence. */
  fill: z.enum(['repeat', 'silence']),
  features: z.discriminatedUnion('kind', [
    /** Raw samples: batch × samples. */
    z.strictObject({ kind: z.literal('waveform') }),
    /** Mel spectrogram in decibels: batch × 1 × frames × bands. */
    z.strictObject({
      kind: z.literal('log-mel'),
      /** Length of the Hann window, in samples; a power of two. */
      frame: z.int().min(64).max(8192),
      /** Distance between windows, in samples. */
      hop: z.int().min(1),
      bands: z.int().min(1).max(256),
      lowHz: z.number().min(0),
      highHz: z.number().positive(),
      /** Mel scale that spaces the bands. */
      scale: z.enum(['slaney', 'htk']),
      /** Normalisation of the filters: equal area (`slaney`) or equal height (`none`). */
      area: z.enum(['slaney', 'none']),
    }),
  ]),
});
/** Preprocessing of sound, with defaults filled in. */
export type SoundSpec = z.infer<typeof sound>;

/** Preprocessing of text. */
export const text = z.strictObject({
  /** The model's `tokenizer.json`. */
  tokenizer: fileRef,
  /** The model's `tokenizer_config.json`. */
  tokenizerConfig: fileRef,
  /** Prefix of every text, such as "query: ". */
  prefix: z.string().default(''),
  /** Maximum number of tokens, special tokens included. Longer texts are truncated; special tokens are kept. */
  maxTokens: z.int().min(2).max(8192),
  /** `full` pads every text to `maxTokens` with `padId`; `none` batches only texts of equal length. */
  padding: z.enum(['full', 'none']),
  padId: z.int().min(0).default(0),
  /** Name of the input for token ids; `*` stands for the model's only input. */
  ids: z.string().default('input_ids'),
  /** Name of the input for the attention mask. Omitted if the model has no such input. */
  mask: z.string().default('attention_mask'),
  /** Name of the input for token types, which are all 0. Omitted if the model has no such input. */
  types: z.string().default('token_type_ids'),
  /** Type of the integer inputs. */
  integers: z.enum(['int64', 'int32']).default('int64'),
});
/** Preprocessing of text, with defaults filled in. */
export type TextSpec = z.infer<typeof text>;
