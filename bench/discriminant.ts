/**
 * Linear discriminant analysis (Fisher 1936; Rao 1948) with a shrunk scatter (Ledoit & Wolf 2004): the directions that
 * separate classes, scaled so that the scatter within a class is one.
 *
 * @param rows one row of features per example
 * @param shrinkage 0 (trust the scatter within the classes) to 1 (ignore it): many features, few examples
 * @returns classes − 1 directions, the most discriminating first
 */
export function discriminants(
  rows: readonly Float64Array[],
  classes: readonly string[],
  shrinkage: number,
): Float64Array[] {
  const size = rows[0]!.length;
  const overall = meanOf(rows);
  const within = Array.from({ length: size }, () => new Float64Array(size));
  const between: Float64Array[] = [];
  for (const name of new Set(classes)) {
    const own = rows.filter((_, i) => classes[i] === name);
    const mean = meanOf(own);
    between.push(mean.map((value, i) => value - overall[i]!));
    for (const row of own)
      addOuter(
        within,
        row.map((value, i) => value - mean[i]!),
        1 / rows.length,
      );
  }
  shrink(within, shrinkage);
  const root = cholesky(within);
  // Class means in whitened space; their few principal axes come from the small matrix of dot products.
  const white = between.map((mean) => solveLower(root, mean));
  const { values, vectors } = symmetricEigen(white.map((a) => white.map((b) => dot(a, b) / white.length)));
  return vectors.slice(0, white.length - 1).map((vector, k) => {
    const axis = new Float64Array(size);
    for (const [c, mean] of white.entries()) for (let i = 0; i < size; i++) axis[i]! += vector[c]! * mean[i]!;
    const norm = Math.sqrt(values[k]! * white.length);
    return solveUpper(
      root,
      axis.map((value) => value / norm),
    );
  });
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(rows[0]!.length);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length;
  return mean;
}

function addOuter(matrix: Float64Array[], vector: Float64Array, weight: number): void {
  for (const [i, row] of matrix.entries()) {
    const scale = vector[i]! * weight;
    for (let j = 0; j < row.length; j++) row[j]! += scale * vector[j]!;
  }
}

/** Shrinks a scatter towards the spherical one of the same trace. */
function shrink(matrix: Float64Array[], share: number): void {
  const round = matrix.reduce((sum, row, i) => sum + row[i]!, 0) / matrix.length;
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j < row.length; j++) row[j]! *= 1 - share;
    row[i]! += share * round;
  }
}

/** The lower triangle L with L·Lᵀ = matrix. */
function cholesky(matrix: readonly Float64Array[]): Float64Array[] {
  const root: Float64Array[] = [];
  for (const [i, row] of matrix.entries()) {
    const out = new Float64Array(matrix.length);
    for (let j = 0; j <= i; j++) {
      const other = j === i ? out : root[j]!;
      let rest = row[j]!;
      for (let k = 0; k < j; k++) rest -= out[k]! * other[k]!;
      out[j] = j === i ? Math.sqrt(rest) : rest / other[j]!;
    }
    root.push(out);
  }
  return root;
}

/** Solves root · x = b. */
function solveLower(root: readonly Float64Array[], b: Float64Array): Float64Array {
  const x = Float64Array.from(b);
  for (const [i, row] of root.entries()) {
    for (let k = 0; k < i; k++) x[i]! -= row[k]! * x[k]!;
    x[i]! /= row[i]!;
  }
  return x;
}

/** Solves rootᵀ · x = b. */
function solveUpper(root: readonly Float64Array[], b: Float64Array): Float64Array {
  const x = Float64Array.from(b);
  for (let i = root.length - 1; i >= 0; i--) {
    x[i]! /= root[i]![i]!;
    for (let k = 0; k < i; k++) x[k]! -= root[i]![k]! * x[i]!;
  }
  return x;
}

/** Eigenvalues, largest first, and unit eigenvectors of a small symmetric matrix (Jacobi 1846). */
function symmetricEigen(matrix: number[][]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const axes: number[][] = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 50; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p]![q]!) < 1e-300) continue;
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[p]![p]! - a[q]![q]!);
        const c = Math.cos(angle);
        const s = Math.sin(angle);
        const turn = (x: number, y: number) => [c * x + s * y, c * y - s * x] as const;
        for (const row of a) [row[p], row[q]] = turn(row[p]!, row[q]!);
        for (let k = 0; k < n; k++) [a[p]![k], a[q]![k]] = turn(a[p]![k]!, a[q]![k]!);
        for (let k = 0; k < n; k++) [axes[p]![k], axes[q]![k]] = turn(axes[p]![k]!, axes[q]![k]!);
      }
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => axes[i]!) };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
