/** Weighted mean and variance of each feature over examples. */
export function moments(
  rows: readonly Float64Array[],
  weights: readonly number[],
): { mean: number[]; variance: number[] } {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const average = (value: (row: Float64Array, i: number) => number) =>
    Array.from(rows[0]!, (_, i) => rows.reduce((sum, row, r) => sum + (weights[r]! / total) * value(row, i), 0));
  const mean = average((row, i) => row[i]!);
  return { mean, variance: average((row, i) => (row[i]! - mean[i]!) ** 2) };
}

/** Rounds to four digits, which changes no neighbour and keeps the file of constants small. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
