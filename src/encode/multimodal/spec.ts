import { z } from 'zod';
import { fileRef, output } from '../spec-fields.ts';

/**
 * Multimodal model of a bundle file: a text graph, and encoders that turn pictures and sound into *soft tokens*, vectors
 * that stand in the text graph where the token of a placeholder is. All its vectors share one space.
 */

/** Tokens that a model adds to every input: one at its beginning and one at its end. */
const TOKENS_AROUND_INPUT = 2;
/** Tokens around the soft tokens of one picture or sound: one at their beginning and one at their end. */
const TOKENS_AROUND_MEDIA = 2;

/** Place of soft tokens in the text graph. */
const placeholder = {
  /** Token that each soft token replaces. */
  placeholder: z.string().min(1),
  /** Input of the text graph for the soft tokens: tokens × `softTokenWidth`. */
  input: z.string().min(1),
};

/** Tokens around the soft tokens of one picture or sound. */
const markers = {
  /** Token before the soft tokens. */
  begin: z.string().min(1),
  /** Token after the soft tokens. */
  end: z.string().min(1),
};

/** Maximum number of soft tokens of a picture. The picture is scaled, with its aspect ratio, to what fits in. */
const tokensPerPicture = z.literal([70, 140, 280], { error: 'must be 70, 140 or 280.' });

/** Encoder of pictures: patches → soft tokens. */
const pictures = z.strictObject({
  /** Graph of the encoder. */
  file: fileRef,
  /** Maximum number of pictures per run; see `batch` of an `onnx` encoder. */
  batch: z.int().min(1).max(64).default(1),
  /** Side of a square patch, in pixels. */
  patch: z.int().min(1).max(64),
  /** Side of the square of patches that become one soft token. */
  pool: z.int().min(1).max(16),
  /** Resampling filter, with antialiasing, as in Pillow. */
  filter: z.enum(['bilinear', 'bicubic', 'lanczos']).default('bicubic'),
  /** Name of the input for patches: pictures × patches × values. */
  pixels: z.string().min(1).default('pixel_values'),
  /** Name of the input for the columns and rows of patches: pictures × patches × 2. */
  positions: z.string().min(1).default('pixel_position_ids'),
  /** Name of the output: soft tokens of all pictures × `softTokenWidth`, without padding. */
  output: z.string().min(1).default('*'),
  ...markers,
  /** A picture of a query. */
  image: z.strictObject({ ...placeholder, tokens: tokensPerPicture }),
  /** The pictures of a segment, as one video. */
  video: z.strictObject({
    ...placeholder,
    tokens: tokensPerPicture,
    /** Pictures per second of film. */
    perSecond: z.number().positive().max(30).default(1),
    /** Maximum number of pictures per segment; evenly spaced, with the first and the last. */
    perClip: z.int().min(1).max(32).default(32),
    /**
     * Largest difference to the last encoded picture of the segment at which a picture takes over its soft tokens; see
     * `sameUpTo` of `pictures`. Default: every picture is encoded.
     */
    sameUpTo: z.number().min(0).max(255).optional(),
  }),
});
/** Encoder of pictures, with defaults filled in. */
export type PictureTokensSpec = z.infer<typeof pictures>;

/** Encoder of sound: mel frames → soft tokens. */
const sound = z.strictObject({
  /** Graph of the encoder. */
  file: fileRef,
  /** Sample rate, in hertz. */
  sampleRate: z.int().min(8000).max(96_000),
  /** Maximum length of the model's input, in seconds. A longer segment is split into equal windows. */
  windowSec: z.number().positive().max(60),
  features: z.strictObject({
    /** Length of the Hann window, in samples. */
    frame: z.int().min(64).max(8192),
    /** Distance between windows, in samples. */
    hop: z.int().min(1),
    /** Size of the Fourier transform, in samples; a power of two. */
    fftSize: z.literal([64, 128, 256, 512, 1024, 2048, 4096, 8192]),
    /** Number of mel bands: triangles of height 1 on the HTK scale. */
    bands: z.int().min(1).max(256),
    lowHz: z.number().min(0),
    highHz: z.number().positive(),
    /** Added to the magnitude of a band before the logarithm. */
    floor: z.number().positive(),
    /** The sound is padded with silence to a multiple of this. Samples. */
    multiple: z.int().min(1),
    /** Number of frames per soft token. */
    framesPerToken: z.int().min(1),
  }),
  /** Name of the input for mel frames: sounds × frames × bands. */
  frames: z.string().min(1).default('input_features'),
  /** Name of the input for their mask: sounds × frames, true for frames within the sound. */
  mask: z.string().min(1).default('input_features_mask'),
  /** Name of the output: soft tokens × `softTokenWidth`. */
  output: z.string().min(1).default('*'),
  ...markers,
  ...placeholder,
});
/** Encoder of sound, with defaults filled in. */
export type SoundTokensSpec = z.infer<typeof sound>;

/** Schema of a multimodal model. */
export const multimodalModel = z
  .strictObject({
    /** The text graph. External weights must be files of the same source. */
    file: fileRef,
    /** Name of the vector space. */
    space: z.string().min(1),
    /** Length of a soft token's vector. */
    softTokenWidth: z.int().min(1).max(8192),
    text: z.strictObject({
      /** The model's `tokenizer.json`. Its tokenizer adds the tokens at the beginning and the end of an input. */
      tokenizer: fileRef,
      /** The model's `tokenizer_config.json`. */
      tokenizerConfig: fileRef,
      /** Prefix of queries that hold text. */
      query: z.string().default(''),
      /** Prefix of transcripts. */
      document: z.string().default(''),
      /** Maximum number of tokens of an input, soft tokens included. Longer transcripts are truncated. */
      maxTokens: z.int().min(2).max(131_072),
      /** Name of the input for token ids. */
      ids: z.string().default('input_ids'),
      /** Name of the input for the attention mask. */
      mask: z.string().default('attention_mask'),
    }),
    output,
    pictures: pictures.optional(),
    sound: sound.optional(),
  })
  .superRefine(({ text: { maxTokens }, pictures, sound }, context) => {
    const requireFit = (tokens: number, path: string[], content: string, remedy: string) => {
      if (tokens <= maxTokens) return;
      const message = `${content} take ${tokens} tokens, and text.maxTokens is ${maxTokens}. ${remedy}`;
      context.addIssue({ code: 'custom', path, message });
    };
    if (pictures) {
      const { tokens, perClip } = pictures.video;
      const most = Math.floor((maxTokens - TOKENS_AROUND_INPUT) / (tokens + TOKENS_AROUND_MEDIA));
      requireFit(
        perClip * (tokens + TOKENS_AROUND_MEDIA) + TOKENS_AROUND_INPUT,
        ['pictures', 'video', 'perClip'],
        `${perClip} pictures of ${tokens} soft tokens, each with ${TOKENS_AROUND_MEDIA} more around it,`,
        most > 0 ? `At most ${most} such pictures fit.` : 'Not one fits.',
      );
      requireFit(
        pictures.image.tokens + TOKENS_AROUND_MEDIA + TOKENS_AROUND_INPUT,
        ['pictures', 'image', 'tokens'],
        `The ${pictures.image.tokens} soft tokens of a picture, with those around it,`,
        'Lower it.',
      );
    }
    if (sound) {
      const { hop, framesPerToken } = sound.features;
      const soft = Math.ceil((sound.windowSec * sound.sampleRate) / hop / framesPerToken);
      requireFit(
        soft + TOKENS_AROUND_MEDIA + TOKENS_AROUND_INPUT,
        ['sound', 'windowSec'],
        `The ${soft} soft tokens of ${sound.windowSec} s of sound, with those around it,`,
        'Lower it.',
      );
    }
  });
/** A multimodal model, with defaults filled in. */
export type MultimodalSpec = z.infer<typeof multimodalModel>;
