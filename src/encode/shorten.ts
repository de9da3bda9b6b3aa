/**
 * Truncates a vector and normalises it again. Only for the `dimensions` of a bundle, whose encoders were trained for
 * prefixes (Matryoshka representation learning, Kusupati et al. 2022).
 * @param vector of L2 norm 1
 * @returns a vector of L2 norm 1; `vector` itself if it has the requested length
 */
export function shorten(vector: Float32Array, length: number): Float32Array {
  if (vector.length === length) return vector;
  const prefix = vector.subarray(0, length);
  let squares = 0;
  for (const value of prefix) squares += value * value;
  // A prefix of zeros has no direction; any unit vector is as good.
  if (squares === 0) return Float32Array.from(prefix, (_, i) => (i === 0 ? 1 : 0));
  const norm = Math.sqrt(squares);
  return prefix.map((value) => value / norm);
}
