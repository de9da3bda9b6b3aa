import { type MelFrames, melFrames } from '../tensors/log-mel-frames.ts';
import type { TensorModel } from '../tensors/tensor.ts';
import { splitSoftTokens } from './soft-tokens.ts';
import type { SoundTokensSpec } from './spec.ts';

/** Encodes sound to soft tokens. */
export class SoundTokens {
  readonly #spec: SoundTokensSpec;
  readonly #width: number;
  readonly #model: TensorModel;
  readonly #measure: (samples: Float32Array) => MelFrames;

  /** @param options.width length of a soft token's vector */
  constructor({ spec, width, model }: { spec: SoundTokensSpec; width: number; model: TensorModel }) {
    this.#spec = spec;
    this.#width = width;
    this.#model = model;
    this.#measure = melFrames({ ...spec.features, sampleRate: spec.sampleRate, maxSamples: this.maxSamples });
  }

  /** Maximum length of the model's input, in samples. */
  get maxSamples(): number {
    return Math.round(this.#spec.windowSec * this.#spec.sampleRate);
  }

  /** Measures the mel frames of a sound; more than `maxSamples` are dropped. */
  measure(samples: Float32Array): MelFrames {
    return this.#measure(samples);
  }

  /** Encodes measured sound. @returns soft tokens: tokens × `width` */
  async encode(
    { features, mask, frames: count, softTokens }: MelFrames,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Float32Array> {
    if (softTokens === 0) return new Float32Array();
    const { frames, mask: maskInput, output, features: spec } = this.#spec;
    const inputs = {
      [frames]: { type: 'float32', dims: [1, count, spec.bands], data: features },
      [maskInput]: { type: 'bool', dims: [1, count], data: mask },
    } as const;
    const tokens = await this.#model.run(inputs, output, options);
    return splitSoftTokens(tokens, [softTokens], { width: this.#width, encoder: 'sound' })[0]!;
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}
