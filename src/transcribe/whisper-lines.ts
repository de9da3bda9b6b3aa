import type { Cue } from '../media/frames.ts';
import { withoutSoundDescriptions } from './sound-descriptions.ts';

/** One line of the whisper filter's output. It is not valid JSON: the filter does not escape quotation marks. */
const LINE = /^\{"start":(-?\d+),"end":(-?\d+),"text":"(.*)"/;

/**
 * Parses the output of FFmpeg's whisper filter, which has one word per line.
 * @returns the spoken words, without descriptions of other sounds
 */
export function wordsOf(output: string): Cue[] {
  const words = output.split('\n').flatMap((line): Cue[] => {
    const [, startMs, endMs, raw = ''] = LINE.exec(line) ?? [];
    const text = raw.replace(/\s+/g, ' ').trim();
    return text === '' ? [] : [{ startSec: Number(startMs) / 1000, endSec: Number(endMs) / 1000, text }];
  });
  return withoutSoundDescriptions(words, ({ text }) => text);
}
