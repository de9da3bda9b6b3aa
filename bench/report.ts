export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Prints each figure beside its target, and sets exit code 1 if one is missed. */
export function checkTargets(
  targets: readonly { readonly what: string; readonly got: string; readonly want: string; readonly met: boolean }[],
): void {
  for (const { what, got, want, met } of targets) console.log(`${met ? 'ok    ' : 'MISSED'} ${what}: ${got} (${want})`);
  if (targets.some(({ met }) => !met)) process.exitCode = 1;
}

/** Cosine of two vectors of norm 1. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
