import type { AudioModel } from '../src/encode/signal/audio/audio.ts';
import { audioFeatures } from '../src/encode/signal/audio/audio-features.ts';
import { SAMPLE_RATE } from '../src/encode/signal/audio/windows.ts';
import { standardise } from '../src/encode/signal/standard.ts';
import { decode } from '../src/media/decode.ts';
import { resample } from '../src/media/resample.ts';
import { noise } from '../test/support/noise.ts';
import { discriminants } from './discriminant.ts';
import { mediaFiles } from './media.ts';
import { moments, rounded } from './moments.ts';

/** A clip of ESC-10 (Piczak 2015); CLASS__FOLD-SOURCE-TAKE.flac. */
export interface LabelledClip {
  readonly label: string;
  readonly fold: number;
  /** Recording that the clip was cut from; several clips can share one. */
  readonly source: string;
  /** Mono, at the encoder's rate. */
  readonly samples: Float32Array;
  readonly features: Float64Array;
  /** Features of degraded recordings of the same sound. */
  readonly degraded: readonly Float64Array[];
}

/** Shrinkage of the scatter of a few hundred clips in 465 features, between 0 (trust it) and 1 (ignore it). */
const SHRINKAGE = 0.4;
/** Sample rate of the degraded recording, in hertz: that of telephones. */
const NARROW_RATE_HZ = 8000;
/** Peak of the added white noise relative to the root mean square of the sound: −25 dB. */
const NOISE_PEAK_RATIO = 0.056;

export function readEsc10(): LabelledClip[] {
  return mediaFiles('audio/esc10', /\.flac$/).map((path) => {
    const [, label, fold, source] = /([a-z_]+)__(\d)-(\d+)-[A-Z]\.flac$/.exec(path) ?? [];
    if (!label || !fold || !source) throw new Error(`Not a name of an ESC-10 clip: ${path}`);
    const samples = readSound(path);
    return {
      label,
      fold: Number(fold),
      source: `${fold}-${source}`,
      samples,
      features: featuresOf(samples),
      degraded: [narrowed(samples), noisy(samples)].map(featuresOf),
    };
  });
}

function featuresOf(samples: Float32Array): Float64Array {
  return Float64Array.from(audioFeatures(samples).flatMap((topic) => Array.from(topic)));
}

function narrowed(samples: Float32Array): Float32Array {
  const narrow = resample(samples, SAMPLE_RATE, { sampleRate: NARROW_RATE_HZ });
  return resample(narrow, NARROW_RATE_HZ, { sampleRate: SAMPLE_RATE });
}

function noisy(samples: Float32Array): Float32Array {
  const peak = NOISE_PEAK_RATIO * Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  const random = noise(1);
  return samples.map((sample) => sample + peak * random());
}

function readSound(path: string): Float32Array {
  const parts: number[] = [];
  let rate = SAMPLE_RATE;
  for (const event of decode({ path, sound: true })) {
    if (event.type !== 'sound') continue;
    rate = event.sound.sampleRate;
    for (const sample of event.sound.samples) parts.push(sample);
  }
  return resample(Float32Array.from(parts), rate, { sampleRate: SAMPLE_RATE });
}

/** All constants of the audio encoder, learnt from these clips alone. */
export function learn(clips: readonly LabelledClip[]): AudioModel {
  const { mean, variance } = moments(
    clips.map((clip) => clip.features),
    clips.map(() => 1),
  );
  // A difference between two recordings of one sound is noise: it enlarges the unit of the feature.
  const spread = variance.map((own, i) => {
    const changes = clips.flatMap(({ features, degraded }) => degraded.map((other) => (other[i]! - features[i]!) ** 2));
    return Math.sqrt(own + changes.reduce((sum, change) => sum + change, 0) / clips.length) + 1e-6;
  });
  const scale = { mean: mean.map(rounded), spread: spread.map(rounded) };
  const examples = clips.flatMap(({ label, features, degraded }) =>
    [features, ...degraded].map((values) => ({ label, row: standardise(values, scale) })),
  );
  const directions = discriminants(
    examples.map(({ row }) => row),
    examples.map(({ label }) => label),
    SHRINKAGE,
  );
  return { ...scale, directions: directions.map((direction) => Array.from(direction, rounded)) };
}
