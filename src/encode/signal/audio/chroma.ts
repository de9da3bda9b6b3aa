import { SAMPLE_RATE, WINDOW_SAMPLES } from './windows.ts';

/** Semitones of the octave, from A. */
export const PITCH_CLASSES = 12;
/** Bins between which peaks count as notes: under 200 Hz a bin is wider than a semitone. */
const FIRST_BIN = Math.ceil((200 * WINDOW_SAMPLES) / SAMPLE_RATE);
const LAST_BIN = Math.floor((4000 * WINDOW_SAMPLES) / SAMPLE_RATE);

/**
 * Share of each pitch class in the peaks of a power spectrum (pitch class profile, Fujishima 1999). A parabola through a
 * peak places it between bins; between two pitch classes it counts for both.
 *
 * @param out PITCH_CLASSES values are written from `at` on; zeros where the spectrum has no peak
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
