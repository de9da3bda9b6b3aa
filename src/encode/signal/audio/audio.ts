import type { AudioEncoder } from '../../encoder.ts';
import learnt from '../audio-model.json' with { type: 'json' };
import { encodeEach } from '../encode-each.ts';
import { balanceTopics, type FeatureStatistics, standardise } from '../standard.ts';
import { dotProduct, squaresOf } from '../sums.ts';
import { toUnitVector } from '../vector.ts';
import { audioFeatures } from './audio-features.ts';
import { SAMPLE_RATE } from './windows.ts';

/** What the encoder knows of sounds in general; learnt by bench/learn-audio.ts, see docs/encoders.md. */
export interface AudioModel extends FeatureStatistics {
  /** Directions along which kinds of sound differ and takes of one kind do not; a row of weights for each. */
  readonly directions: readonly (readonly number[])[];
}

export const AUDIO_SPACE = 'signal/audio';

/** How much of a vector's square norm says which kind of sound it is; the rest says which sound. */
const KIND_ENERGY_SHARE = 0.75;

/** How a clip sounds. `model` is another than the shipped one only where the shipped one is being measured. */
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

/** The same direction with that norm (shorter for what is all but zero). */
function scaled(values: ArrayLike<number>, norm: number): number[] {
  const numbers = Array.from(values);
  const scale = norm / (Math.sqrt(squaresOf(numbers)) + 1e-6);
  return numbers.map((value) => value * scale);
}
