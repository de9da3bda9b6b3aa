import { SAMPLE_RATE, WINDOW_SAMPLES } from './windows.ts';

/** Number of pitch classes: the semitones of an octave, from A. */
export const PITCH_CLASSES = 12;
/** First bin whose peaks count as notes: 200 Hz, below which a bin is wider than a semitone. */
const FIRST_BIN = Math.ceil((200 * WINDOW_SAMPLES) / SAMPLE_RATE);
/** Last bin whose peaks count as notes: 4 kHz. */
const LAST_BIN = Math.floor((4000 * WINDOW_SAMPLES) / SAMPLE_RATE);

/**
 * Writes the share of each pitch class in the peaks of a power spectrum (pitch class profile, Fujishima 1999).
 * Parabolic interpolation locates a peak between bins; a peak between two pitch classes is split between them.
 *
 * @param out receives `PITCH_CLASSES` values from index `at`; unchanged if the spectrum has no peak, so pass zeros
 */
export function chromaOf(power: Float64Array, out: Float64Array, at: number): void {
  let sum = 0;
  for (let bin = FIRST_BIN; bin <= LAST_BIN; bin++) {
    const here = power[bin]!;
    const before = power[bin - 1]!;
    const after = power[bin + 1]!;
    if (here <= before || here < after) continue;
    const shift = (after - before) / (2 * (2 * here - before - after));
    const note = PITCH_CLASSES * Math.log2(((bin + shift) * SAMPLE_RATE) / WINDOW_SAMPLES / 27.5);
    const lower = Math.floor(note);
    const strength = Math.sqrt(here);
    sum += strength;
    out[at + (lower % PITCH_CLASSES)]! += strength * (1 - (note - lower));
    out[at + ((lower + 1) % PITCH_CLASSES)]! += strength * (note - lower);
  }
  if (sum > 0) for (let i = 0; i < PITCH_CLASSES; i++) out[at + i]! /= sum;
}
