/**
 * The first values of a vector, brought back to length 1: for encoders that were trained for it (Matryoshka
 * representation learning, Kusupati et al. 2022), whose bundles name the lengths.
 * @param vector L2 norm 1
 * @returns the vector itself where it has that length already
 */
export function shorten(vector: Float32Array, length: number): Float32Array {
  if (vector.length === length) return vector;
  const prefix = vector.subarray(0, length);
  let squares = 0;
  for (const value of prefix) squares += value * value;
  // Nothing but zeros points nowhere; any direction is as good, and only a unit vector is a vector here.
  if (squares === 0) return Float32Array.from(prefix, (_, i) => (i === 0 ? 1 : 0));
  const norm = Math.sqrt(squares);
  return prefix.map((value) => value / norm);
}
