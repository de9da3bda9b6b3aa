/**
 * Low frequencies of a square picture: type II discrete cosine transform (Ahmed, Natarajan & Rao 1974).
 *
 * @param side width and height of `values`, in pixels
 * @param keep number of frequencies in each direction
 * @returns keep × keep coefficients; the first is the mean
 */
export function lowFrequencies(values: ArrayLike<number>, side: number, keep: number): Float64Array {
  const rows = new Float64Array(side * keep);
  const out = new Float64Array(keep * keep);
  for (let k = 0; k < keep; k++) {
    for (let x = 0; x < side; x++) {
      const wave = Math.cos((Math.PI * k * (x + 0.5)) / side) / side;
      for (let row = 0; row < side; row++) rows[row * keep + k]! += wave * values[row * side + x]!;
    }
  }
  for (let l = 0; l < keep; l++) {
    for (let row = 0; row < side; row++) {
      const wave = Math.cos((Math.PI * l * (row + 0.5)) / side) / side;
      for (let k = 0; k < keep; k++) out[l * keep + k]! += wave * rows[row * keep + k]!;
    }
  }
  return out;
}
