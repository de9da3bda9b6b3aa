import { MEASURES } from './measures.ts';
import type { Rules } from './rules.ts';
import { PLANE_WIDTH, type Signature } from './signature.ts';

/**
 * True if two pictures show one scene in much brighter or darker light. A lamp multiplies luma and colour differences alike,
 * even where it leaves no detail in the dark, so their correlation in place is measured.
 */
export function isLightingChange(a: Signature, b: Signature, rules: Rules['lightingChange']): boolean {
  return contrastRatio(a, b) >= rules.minContrastRatio && correlation(a, b, pixelsIn(b)) >= rules.minCorrelation;
}

/** True if two pictures show one dark scene, and one of them has bright text over it. Pixels that may be text are left out. */
export function isTextOverlay(a: Signature, b: Signature, rules: Rules['textOverlay']): boolean {
  if (contrastRatio(a, b) < rules.minContrastRatio) return false;
  const [plain, overlaid] = a.contrast < b.contrast ? [a, b] : [b, a];
  const isText = (i: number) => overlaid.luma[i]! - plain.luma[i]! > rules.textLuma;
  const all = pixelsIn(b);
  const rest = all.filter((i) => ![i, i - 1, i + 1, i - PLANE_WIDTH, i + PLANE_WIDTH].some(isText));
  return rest.length >= (1 - rules.maxTextShare) * all.length && correlation(a, b, rest) >= rules.minCorrelation;
}

function contrastRatio(a: Signature, b: Signature): number {
  return Math.max(a.contrast / b.contrast, b.contrast / a.contrast);
}

function pixelsIn({ area: { top, bottom, left, right } }: Signature): number[] {
  const pixels: number[] = [];
  for (let row = top; row < bottom; row++) {
    for (let i = row * PLANE_WIDTH + left; i < row * PLANE_WIDTH + right; i++) pixels.push(i);
  }
  return pixels;
}

/** Correlation of luma (less its mean) and both colour differences together: −1 to 1. */
function correlation(a: Signature, b: Signature, pixels: readonly number[]): number {
  const { noiseEnergy } = MEASURES.correlation;
  const mean = ({ luma }: Signature) => pixels.reduce((sum, i) => sum + luma[i]!, 0) / pixels.length;
  let [shared, ofA, ofB] = [0, noiseEnergy, noiseEnergy] as [number, number, number];
  const add = (p: number, q: number) => {
    shared += p * q;
    ofA += p * p;
    ofB += q * q;
  };
  const [meanA, meanB] = [mean(a), mean(b)];
  for (const i of pixels) {
    add(a.luma[i]! - meanA, b.luma[i]! - meanB);
    add(a.blue[i]! - 128, b.blue[i]! - 128);
    add(a.red[i]! - 128, b.red[i]! - 128);
  }
  return shared / Math.sqrt(ofA * ofB);
}
