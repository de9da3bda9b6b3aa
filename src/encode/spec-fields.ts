import { z } from 'zod';
import { DIMENSION } from './encoder.ts';

/** Fields that several kinds of encoders of a bundle file share. */

/** Reference to a file of one of the bundle's sources: `SOURCE/PATH`. */
export const fileRef = z.string().regex(/^[\w-]+\/.+$/, 'must be SOURCE/PATH, with a source of this bundle.');

/** Conversion of a model's output to vectors. */
export const output = z.strictObject({
  /** Name of the output; `*` stands for the only one. With a projection: the output of the first graph. */
  name: z.string().min(1).default('*'),
  /** Pooling of token vectors into one; `none` for models that output one vector per input. */
  pooling: z.enum(['none', 'mean', 'first', 'last']).default('none'),
  /**
   * Length of the model's vectors. Longer ones are truncated to 512, so the model must be trained for prefixes. Shorter ones
   * are filled with zeros, which leaves cosines as they are.
   */
  dimension: z.int().min(1).default(DIMENSION),
});
/** Conversion of an output, with defaults filled in. */
export type OutputSpec = z.infer<typeof output>;
