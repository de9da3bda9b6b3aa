import { Fft } from './fft.ts';
import { BANDS, CHROMA, FRAMES_PER_SECOND, type SoundFrames } from './sound-frames.ts';

/** Numbers that describe one stretch of sound, by name of the topic. Lengths never depend on the sound. */
export type Features = Readonly<Record<string, ArrayLike<number>>>;

const COEFFICIENTS = 13;
const GROUPS = 10;
/** Hertz. Edges of the modulation bands. */
const MODULATION_HZ = [0.5, 1, 1.6, 2.5, 4, 6, 9, 14, 21];
const modulationFft = new Fft(512);
/** Frames. Lags of the rhythm's autocorrelation, 70 ms to 2 s, equally spaced in log. */
const LAGS = 24;

export function describeSound(frames: SoundFrames): Features {
  const { weight, total, levels, logs } = normalise(frames);
  const mean = new Float64Array(BANDS);
  const spread = new Float64Array(BANDS);
  const change = new Float64Array(BANDS);
  const longChange = new Float64Array(BANDS);
  const rise = new Float64Array(BANDS);
  const { count } = frames;
  for (let t = 0; t < count; t++)
    for (let b = 0; b < BANDS; b++) mean[b]! += (weight[t]! / total) * logs[t * BANDS + b]!;
  for (let t = 0; t < count; t++) {
    for (let b = 0; b < BANDS; b++) {
      const d = logs[t * BANDS + b]! - mean[b]!;
      spread[b]! += (weight[t]! / total) * d * d;
      if (t > 0) {
        const e = logs[t * BANDS + b]! - logs[(t - 1) * BANDS + b]!;
        change[b]! += (weight[t]! / total) * Math.abs(e);
        if (e > 0) rise[b]! += (weight[t]! / total) * e * e;
      }
      if (t > 7) longChange[b]! += (weight[t]! / total) * Math.abs(logs[t * BANDS + b]! - logs[(t - 8) * BANDS + b]!);
    }
  }
  return {
    mean,
    spread: spread.map(Math.sqrt),
    change,
    longChange,
    rise: rise.map(Math.sqrt),
    covariance: covariance(logs, mean, weight, total, count),
    modulation: modulation(logs, count),
    rhythm: rhythm(logs, count),
    envelope: envelope(levels, count),
    ...tonality(frames, weight, total),
    loudness: loudness(frames),
  };
}

function normalise(frames: SoundFrames) {
  const { count } = frames;
  let peak = 0;
  for (let t = 0; t < count; t++) peak = Math.max(peak, frames.level[t]!);
  const levels = new Float64Array(count);
  const weight = new Float64Array(count);
  const floor = peak * 1e-7 + 1e-9;
  const top = 10 * Math.log10(peak + floor);
  let total = 0;
  let ref = 0;
  for (let t = 0; t < count; t++) {
    levels[t] = 10 * Math.log10(frames.level[t]! + floor) - top;
    weight[t] = Math.min(1, Math.max(0, (levels[t]! + 60) / 20)) + 1e-6;
    total += weight[t]!;
    ref += weight[t]! * levels[t]!;
  }
  ref = top;
  const logs = new Float64Array(count * BANDS);
  for (let i = 0; i < logs.length; i++) logs[i] = 10 * Math.log10(frames.power[i]! + floor) - ref;
  return { weight, total, levels, logs };
}

function covariance(logs: Float64Array, mean: Float64Array, weight: Float64Array, total: number, count: number) {
  const out = new Float64Array((COEFFICIENTS * (COEFFICIENTS + 1)) / 2 + COEFFICIENTS);
  const c = new Float64Array(COEFFICIENTS);
  const sum = new Float64Array(COEFFICIENTS * COEFFICIENTS);
  const deltaSum = new Float64Array(COEFFICIENTS);
  const before = new Float64Array(COEFFICIENTS);
  for (let t = 0; t < count; t++) {
    for (let k = 0; k < COEFFICIENTS; k++) {
      let v = 0;
      for (let b = 0; b < BANDS; b++)
        v += (logs[t * BANDS + b]! - mean[b]!) * Math.cos((Math.PI * k * (b + 0.5)) / BANDS);
      c[k] = v / BANDS;
    }
    for (let k = 0; k < COEFFICIENTS; k++) {
      for (let l = 0; l <= k; l++) sum[k * COEFFICIENTS + l]! += (weight[t]! / total) * c[k]! * c[l]!;
      if (t > 0) deltaSum[k]! += (weight[t]! / total) * Math.abs(c[k]! - before[k]!);
    }
    before.set(c);
  }
  let n = 0;
  for (let k = 0; k < COEFFICIENTS; k++) {
    const a = Math.sqrt(sum[k * COEFFICIENTS + k]!) + 0.3;
    for (let l = 0; l < k; l++)
      out[n++] = sum[k * COEFFICIENTS + l]! / (a * (Math.sqrt(sum[l * COEFFICIENTS + l]!) + 0.3));
    out[n++] = Math.log(a);
    out[n++] = Math.log(deltaSum[k]! + 0.1);
  }
  return out;
}

function modulation(logs: Float64Array, count: number): Float64Array {
  const bins = MODULATION_HZ.length - 1;
  const out = new Float64Array((GROUPS + 1) * bins);
  const perGroup = BANDS / GROUPS;
  const n = Math.min(512, count);
  const re = new Float64Array(512);
  const im = new Float64Array(512);
  for (let g = 0; g <= GROUPS; g++) {
    re.fill(0);
    im.fill(0);
    let mean = 0;
    const from = g === GROUPS ? 0 : g * perGroup;
    const to = g === GROUPS ? BANDS : from + perGroup;
    for (let t = 0; t < n; t++) {
      let v = 0;
      for (let b = from; b < to; b++) v += logs[t * BANDS + b]!;
      re[t] = v / (to - from);
      mean += re[t]! / n;
    }
    for (let t = 0; t < n; t++) re[t] = (re[t]! - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (t + 0.5)) / n));
    modulationFft.transform(re, im);
    for (let m = 0; m < bins; m++) {
      const a = Math.ceil((MODULATION_HZ[m]! * 512) / FRAMES_PER_SECOND);
      const z = Math.max(a + 1, Math.ceil((MODULATION_HZ[m + 1]! * 512) / FRAMES_PER_SECOND));
      let p = 0;
      for (let k = a; k < z && k < 256; k++) p += re[k]! * re[k]! + im[k]! * im[k]!;
      out[g * bins + m] = Math.log(p / n / (z - a) + 1);
    }
  }
  return out;
}

function rhythm(logs: Float64Array, count: number): Float64Array {
  const out = new Float64Array(LAGS + 4);
  const onset = new Float64Array(count);
  let mean = 0;
  for (let t = 1; t < count; t++) {
    let v = 0;
    for (let b = 0; b < BANDS; b++) v += Math.max(0, logs[t * BANDS + b]! - logs[(t - 1) * BANDS + b]!);
    onset[t] = v / BANDS;
    mean += onset[t]! / count;
  }
  let zero = 0;
  let cube = 0;
  let peak = 0;
  for (let t = 0; t < count; t++) {
    const d = onset[t]! - mean;
    zero += d * d;
    cube += d * d * d;
    peak = Math.max(peak, onset[t]!);
  }
  const dev = Math.sqrt(zero / count);
  out[LAGS] = Math.log(mean + 0.1);
  out[LAGS + 1] = Math.log(dev + 0.1);
  out[LAGS + 2] = cube / count / (dev ** 3 + 0.1);
  out[LAGS + 3] = Math.log(peak + 1);
  const edge = (i: number) => Math.round(FRAMES_PER_SECOND * 0.07 * (2 / 0.07) ** (i / LAGS));
  for (let i = 0; i < LAGS; i++) {
    let best = -1;
    const from = edge(i);
    const to = Math.max(from + 1, edge(i + 1));
    for (let lag = from; lag < to && lag < count; lag++) {
      let r = 0;
      for (let t = lag; t < count; t++) r += (onset[t]! - mean) * (onset[t - lag]! - mean);
      best = Math.max(best, r / (zero + 1e-3));
    }
    out[i] = best < -0.999 ? 0 : best;
  }
  return out;
}

function envelope(levels: Float64Array, count: number): Float64Array {
  const out = new Float64Array(12);
  for (let t = 0; t < count; t++) {
    // Soft histogram of the level under the peak, 6 dB bins.
    const x = Math.min(9.999, -levels[t]! / 6);
    const i = Math.floor(x);
    out[i]! += (1 - (x - i)) / count;
    out[i + 1]! += (x - i) / count;
  }
  for (let i = 0; i < 11; i++) out[i] = Math.sqrt(out[i]!);
  let ups = 0;
  for (let t = 2; t < count; t++) if (levels[t]! > levels[t - 2]! + 6) ups++;
  out[11] = Math.log(ups + 1);
  return out;
}

function tonality(frames: SoundFrames, weight: Float64Array, total: number) {
  const { count } = frames;
  const chroma = new Float64Array(CHROMA);
  const height = new Float64Array(16);
  const stats = new Float64Array(9);
  let c1 = 0;
  let c2 = 0;
  let f1 = 0;
  let f2 = 0;
  let p0 = 1e-6;
  let p1 = 0;
  let p2 = 0;
  let pd = 0;
  let voiced = 0;
  for (let t = 0; t < count; t++) {
    const w = weight[t]! / total;
    const clear = frames.clarity[t]!;
    c1 += w * clear;
    c2 += w * clear * clear;
    const flat = Math.log(frames.flatness[t]! + 1e-4);
    f1 += w * flat;
    f2 += w * flat * flat;
    const wc = w * clear ** 2;
    p0 += wc;
    p1 += wc * frames.pitch[t]!;
    p2 += wc * frames.pitch[t]! ** 2;
    if (t > 0 && clear > 0.5 && frames.clarity[t - 1]! > 0.5) {
      voiced += w;
      pd += w * Math.min(0.5, Math.abs(frames.pitch[t]! - frames.pitch[t - 1]!));
    }
    const x = Math.min(14.999, Math.max(0, frames.pitch[t]! * 3));
    const i = Math.floor(x);
    height[i]! += wc * (1 - (x - i));
    height[i + 1]! += wc * (x - i);
    for (let k = 0; k < CHROMA; k++) chroma[k]! += w * frames.chroma[t * CHROMA + k]!;
  }
  const sd = (a: number, b: number) => Math.sqrt(Math.max(0, b - a * a));
  stats.set([
    c1,
    sd(c1, c2),
    f1,
    sd(f1, f2),
    p1 / p0,
    sd(p1 / p0, p2 / p0),
    voiced,
    pd / (voiced + 0.02),
    Math.sqrt(p0),
  ]);
  return { chroma: chroma.map(Math.sqrt), height: height.map(Math.sqrt), tonality: stats };
}

function loudness(frames: SoundFrames) {
  let sum = 0;
  let peak = 0;
  for (const v of frames.level) {
    sum += v;
    peak = Math.max(peak, v);
  }
  const mean = sum / frames.count;
  return [10 * Math.log10(mean + 1e-9), 10 * Math.log10((peak + 1e-9) / (mean + 1e-9))];
}
