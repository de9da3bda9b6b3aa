import type { AudioEncoder } from '../../encoder.ts';
import { encodeEach } from '../encode-each.ts';
import { balanceTopics, type FeatureStatistics, standardise } from '../standard.ts';
import { dotProduct, squaresOf } from '../sums.ts';
import { toUnitVector } from '../unit-vector.ts';
import { audioFeatures } from './audio-features.ts';
import learnt from './audio-model.json' with { type: 'json' };
import { SAMPLE_RATE } from './windows.ts';

/** Learnt constants of the audio encoder, from bench/learn-audio.ts; see `docs/encoders.md`. */
export interface AudioModel extends FeatureStatistics {
  /** Discriminant directions (LDA) that separate kinds of sound; one row of weights per direction. */
  readonly directions: readonly (readonly number[])[];
}

/** Vector space of the audio encoder. */
export const AUDIO_SPACE = 'signal/audio';

/**
 * Share of the squared norm for the kind of sound (discriminant directions); the rest is for the individual sound
 * (topics).
 */
const KIND_ENERGY_SHARE = 0.75;

/**
 * Creates the audio encoder.
 * @param model constants; only benchmarks pass other than the shipped ones
 */
export function createAudioEncoder(model: AudioModel = learnt): AudioEncoder {
  return {
    space: AUDIO_SPACE,
    sampleRate: SAMPLE_RATE,
    encode: (clips, options) => encodeEach(clips, (clip) => toVector(clip.samples, model), options?.signal),
    async close() {},
  };
}

function toVector(samples: Float32Array, model: AudioModel): Float32Array {
  const topics = audioFeatures(samples);
  const features = standardise(
    topics.flatMap((topic) => Array.from(topic)),
    model,
  );
  const kind = model.directions.map((direction) => dotProduct(direction, features));
  const sound = balanceTopics(
    features,
    topics.map((topic) => topic.length),
  );
  return toUnitVector([
    ...scaled(kind, Math.sqrt(KIND_ENERGY_SHARE)),
    ...scaled(sound, Math.sqrt(1 - KIND_ENERGY_SHARE)),
  ]);
}

/** Scales a vector to `norm`; a vector near zero stays shorter. */
function scaled(values: ArrayLike<number>, norm: number): number[] {
  const numbers = Array.from(values);
  const scale = norm / (Math.sqrt(squaresOf(numbers)) + 1e-6);
  return numbers.map((value) => value * scale);
}
