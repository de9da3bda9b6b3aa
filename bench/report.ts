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
