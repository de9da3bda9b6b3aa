import { hannWindow } from '../../dsp/window.ts';

/** Sample rate of the analysis, in hertz. A common rate, more than twice the highest analysed frequency of 7.6 kHz. */
export const SAMPLE_RATE = 22050;
/** Length of an analysis window, in samples: 46 ms, the usual compromise between resolution in pitch and in time. */
export const WINDOW_SAMPLES = 1024;
/** Distance between windows, in samples: 23 ms. */
export const HOP_SAMPLES = 512;
/** Number of windows per second. */
export const WINDOWS_PER_SECOND = SAMPLE_RATE / HOP_SAMPLES;

/** Hann window. */
export const window = hannWindow(WINDOW_SAMPLES);
