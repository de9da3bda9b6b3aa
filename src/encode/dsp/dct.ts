/** Row `k` of a type II discrete cosine transform (Ahmed, Natarajan & Rao 1974), scaled so that row 0 is the mean. */
export function cosineRow(k: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.cos((Math.PI * k * (i + 0.5)) / length) / length);
}

/**
 * Low frequencies of a square picture, by a discrete cosine transform of its rows and columns.
 *
 * @param side width and height of `values`, in pixels
 * @param keep number of frequencies in each direction
 * @returns keep × keep coefficients; the first is the mean
 */
export function lowFrequencies(values: ArrayLike<number>, side: number, keep: number): Float64Array {
  const waves = Array.from({ length: keep }, (_, k) => cosineRow(k, side));
  const rows = new Float64Array(side * keep);
  const out = new Float64Array(keep * keep);
  for (let k = 0; k < keep; k++) {
    for (let x = 0; x < side; x++) {
      const wave = waves[k]![x]!;
      for (let row = 0; row < side; row++) rows[row * keep + k]! += wave * values[row * side + x]!;
    }
  }
  for (let l = 0; l < keep; l++) {
    for (let row = 0; row < side; row++) {
      const wave = waves[l]![row]!;
      for (let k = 0; k < keep; k++) out[l * keep + k]! += wave * rows[row * keep + k]!;
    }
  }
  return out;
}
