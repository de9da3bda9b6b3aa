import type { AudioModel } from '../src/encode/signal/audio.ts';
import { describeSound } from '../src/encode/signal/sound.ts';
import { standardise } from '../src/encode/signal/standard.ts';
import { SAMPLE_RATE } from '../src/encode/signal/windows.ts';
import { decode } from '../src/media/decode.ts';
import { resample } from '../src/media/resample.ts';
import { discriminants } from './discriminant.ts';
import { mediaFiles } from './media.ts';
import { moments, rounded } from './moments.ts';

/** A clip of ESC-10 (Piczak 2015); CLASS__FOLD-SOURCE-TAKE.flac. */
export interface LabelledClip {
  readonly label: string;
  readonly fold: number;
  /** Takes of one source are cut from one recording. */
  readonly source: string;
  /** Mono, at the encoder's rate. */
  readonly samples: Float32Array;
  readonly features: Float64Array;
}

/** Between trusting the scatter of 160 clips in 466 features and ignoring it. */
const SHRINKAGE = 0.4;

export function readEsc10(): LabelledClip[] {
  return mediaFiles('audio/esc10', /\.flac$/).map((path) => {
    const [, label, fold, source] = /([a-z_]+)__(\d)-(\d+)-[A-Z]\.flac$/.exec(path) ?? [];
    if (!label || !fold || !source) throw new Error(`Not a name of an ESC-10 clip: ${path}`);
    const samples = readSound(path);
    const features = Float64Array.from(Object.values(describeSound(samples)).flatMap((topic) => Array.from(topic)));
    return { label, fold: Number(fold), source: `${fold}-${source}`, samples, features };
  });
}

function readSound(path: string): Float32Array {
  const parts: number[] = [];
  let rate = SAMPLE_RATE;
  for (const event of decode({ path, sound: true })) {
    if (event.type !== 'sound') continue;
    rate = event.sound.sampleRate;
    for (const sample of event.sound.samples) parts.push(sample);
  }
  return resample(Float32Array.from(parts), rate, SAMPLE_RATE);
}

/** Everything that the audio encoder holds, learnt from these clips and no others. */
export function learn(clips: readonly LabelledClip[]): AudioModel {
  const { mean, variance } = moments(
    clips.map((clip) => clip.features),
    clips.map(() => 1),
  );
  const scale = { mean: mean.map(rounded), spread: variance.map((value) => rounded(Math.sqrt(value) + 1e-6)) };
  const rows = clips.map((clip) => standardise(clip.features, scale));
  const directions = discriminants(
    rows,
    clips.map((clip) => clip.label),
    SHRINKAGE,
  );
  return { ...scale, directions: directions.map((direction) => Array.from(direction, rounded)) };
}
