/** How sound is cut for analysis. */

/** Hertz. Twice more than the highest frequency that is listened to, and a rate that much sound has. */
export const SAMPLE_RATE = 22050;
/** Samples. 46 ms windows every 23 ms: the usual compromise between hearing pitch and hearing attacks. */
export const WINDOW_SAMPLES = 1024;
export const HOP_SAMPLES = 512;
export const WINDOWS_PER_SECOND = SAMPLE_RATE / HOP_SAMPLES;

/** Hann's. */
export const window = Float64Array.from(
  { length: WINDOW_SAMPLES },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW_SAMPLES),
);
