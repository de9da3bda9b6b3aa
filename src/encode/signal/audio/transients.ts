import { peakOf, sumOf } from '../sums.ts';
import { EnvelopeSpectrum } from './envelope-spectrum.ts';
import { SAMPLE_RATE } from './windows.ts';

/** Length of a block, in samples: 5.8 ms, short enough for clicks and for the beats of rotors and engines. */
const BLOCK_SAMPLES = 128;
/** Number of blocks per second. */
const BLOCKS_PER_SECOND = SAMPLE_RATE / BLOCK_SAMPLES;
/** Crossover frequencies between the low, middle and high band, in hertz. */
const CROSSOVERS_HZ = [300, 2000];
/** Edges of the bands of modulation frequencies, in hertz: from slow beating to roughness. */
const RATE_EDGES_HZ = [2, 3, 4.5, 6, 8, 10.5, 14, 19, 25, 33, 44, 58, 80];
/** First band above the rate of words. The strongest beat is searched from this band on. */
const FIRST_BEAT_BAND = RATE_EDGES_HZ.indexOf(8);
/** Modulation spectrum of up to 2048 blocks: 11.9 s. */
const spectrum = new EnvelopeSpectrum(2048, BLOCKS_PER_SECOND, RATE_EDGES_HZ);
/** Quantiles of the level that are features. */
const LEVEL_QUANTILES = [0.99, 0.9, 0.5, 0.1, 0.02];
/** Delays after an impulse at which its decay is measured, in blocks: 12, 23, 46 and 93 ms. */
const DECAY_BLOCKS = [2, 4, 8, 16];
/** Upper bound of a single rise or decay, in decibels. */
const MAX_STEP_DB = 40;

/**
 * Features of short events that 46 ms windows cannot resolve, in three bands: modulation spectrum of the envelope
 * (roughness, Zwicker & Fastl 1999), distribution of its level, and rate, rise and decay of impulses (Peeters 2004).
 */
export function transients(samples: Float32Array): Float64Array[] {
  const beats: number[] = [];
  const impulses: number[] = [];
  for (const power of blockPowers(samples)) {
    const peak = peakOf(power);
    const floor = peak * 1e-6 + 1e-8;
    const decibels = decibelsOf(power, floor);
    const mean = 10 * Math.log10(sumOf(power) / power.length + floor);
    const variations = spectrum.measure(decibels);
    beats.push(...variations.map((variation) => Math.log(variation.mean + 0.1)));
    const fast = variations.slice(FIRST_BEAT_BAND);
    const strongest = fast.reduce((best, variation) => (variation.peak > best.peak ? variation : best));
    const usual = fast.reduce((sum, variation) => sum + variation.mean, 0) / fast.length;
    const sorted = Float64Array.from(decibels).sort();
    impulses.push(
      ...LEVEL_QUANTILES.map((quantile) => sorted[Math.floor(quantile * sorted.length)]! - mean),
      ...describeImpulses(decibels, mean - 10),
      Math.log((strongest.peak + 1e-5) / (usual + 1e-5)),
      Math.log(strongest.peakHz),
    );
  }
  return [Float64Array.from(beats), Float64Array.from(impulses)];
}

/** Power of each block in three bands, split by two second-order low-pass filters. At least eight blocks. */
function blockPowers(samples: Float32Array): Float64Array[] {
  const count = Math.max(8, Math.floor(samples.length / BLOCK_SAMPLES));
  const low = new Float64Array(count);
  const middle = new Float64Array(count);
  const high = new Float64Array(count);
  const [slow, quick] = CROSSOVERS_HZ.map((hertz) => 1 - Math.exp((-2 * Math.PI * hertz) / SAMPLE_RATE)) as [
    number,
    number,
  ];
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const end = Math.min(samples.length, count * BLOCK_SAMPLES);
  for (let i = 0; i < end; i++) {
    const sample = samples[i]!;
    a += slow * (sample - a);
    b += slow * (a - b);
    c += quick * (sample - c);
    d += quick * (c - d);
    const block = (i / BLOCK_SAMPLES) | 0;
    low[block]! += b * b;
    middle[block]! += (d - b) * (d - b);
    high[block]! += (sample - d) * (sample - d);
  }
  return [low, middle, high];
}

function decibelsOf(powers: Float64Array, floor: number): Float64Array {
  const decibels = new Float64Array(powers.length);
  for (let i = 0; i < powers.length; i++) decibels[i] = 10 * Math.log10(powers[i]! + floor);
  return decibels;
}

/**
 * Log of the number of impulses per second, then mean rise and mean decay after each of `DECAY_BLOCKS`, in decibels.
 */
function describeImpulses(decibels: Float64Array, threshold: number): number[] {
  const reach = DECAY_BLOCKS.at(-1)!;
  const decays = new Float64Array(DECAY_BLOCKS.length);
  let count = 0;
  let rises = 0;
  for (let t = 4; t + reach < decibels.length; t++) {
    const level = decibels[t]!;
    const rise = level - Math.min(decibels[t - 2]!, decibels[t - 3]!, decibels[t - 4]!);
    if (level <= threshold || rise <= 6 || !isLocalMaximum(decibels, t)) continue;
    count++;
    rises += Math.min(MAX_STEP_DB, rise);
    for (const [i, after] of DECAY_BLOCKS.entries()) decays[i]! += Math.min(MAX_STEP_DB, level - decibels[t + after]!);
  }
  const perSecond = (count / decibels.length) * BLOCKS_PER_SECOND;
  return [Math.log(perSecond + 0.3), rises / (count + 1), ...decays.map((decay) => decay / (count + 1))];
}

/** True if no block within a distance of four is louder. */
function isLocalMaximum(decibels: Float64Array, t: number): boolean {
  for (let near = t - 4; near <= t + 4; near++) if (decibels[near]! > decibels[t]!) return false;
  return true;
}
