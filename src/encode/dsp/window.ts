/** Value of a Hann window of `length` samples at a position, which need not be a whole number. */
export function hann(position: number, length: number): number {
  return 0.5 - 0.5 * Math.cos((2 * Math.PI * position) / length);
}

/** Periodic Hann window: sample `length` would equal sample 0. */
export function hannWindow(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => hann(i, length));
}
