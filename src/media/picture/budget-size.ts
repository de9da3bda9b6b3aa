import type { Size } from './resize.ts';

/** Bounds of a picture whose size follows from its shape. */
export interface SizeBudget {
  /** Maximum number of pixels. */
  readonly maxPixels: number;
  /** Both sides are a multiple of this. Pixels; divides `maxPixels` as a square. */
  readonly multiple: number;
}

/**
 * Size at which a picture uses its budget of pixels: scaled up or down with its aspect ratio, each side then rounded down to
 * a multiple. A side that comes to 0 is one multiple long; the other then has the whole number of multiples in the aspect
 * ratio, within the budget. This is the arithmetic of `get_aspect_ratio_preserving_size` of Gemma 4's picture processor.
 *
 * @param picture width and height in square pixels
 */
export function sizeWithinBudget({ width, height }: Size, { maxPixels, multiple }: SizeBudget): Size {
  const factor = Math.sqrt(maxPixels / (height * width));
  const across = Math.floor((factor * width) / multiple) * multiple;
  const down = Math.floor((factor * height) / multiple) * multiple;
  const longest = Math.floor(maxPixels / multiple ** 2) * multiple;
  if (down === 0) return { width: Math.min(Math.floor(width / height) * multiple, longest), height: multiple };
  if (across === 0) return { width: multiple, height: Math.min(Math.floor(height / width) * multiple, longest) };
  return { width: across, height: down };
}
