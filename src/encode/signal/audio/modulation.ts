import { CourseSpectrum } from './course.ts';
import { BANDS } from './frames.ts';
import type { Spectrogram } from './spectrogram.ts';
import { WINDOWS_PER_SECOND } from './windows.ts';

const GROUPS = 10;
const PER_GROUP = BANDS / GROUPS;
/** Hertz. From the pace of music and speech up to half the rate of windows. */
const EDGES_HZ = [0.5, 1, 1.6, 2.5, 4, 6, 9, 14, 21];
/** Windows, 11.9 s. */
const LONGEST = 512;
const spectrum = new CourseSpectrum(LONGEST, WINDOWS_PER_SECOND, EDGES_HZ);

/** How fast ten groups of bands, and all together, grow louder and softer (McKinney & Breebaart 2003). */
export function modulation({ count, decibels }: Spectrogram): Float64Array {
  const courses = Array.from({ length: GROUPS + 1 }, () => new Float64Array(count));
  for (let t = 0; t < count; t++) {
    for (let band = 0; band < BANDS; band++) {
      const value = decibels[t * BANDS + band]!;
      courses[Math.floor(band / PER_GROUP)]![t]! += value / PER_GROUP;
      courses[GROUPS]![t]! += value / BANDS;
    }
  }
  return Float64Array.from(courses.flatMap((course) => spectrum.measure(course).map(({ mean }) => Math.log(mean + 1))));
}
