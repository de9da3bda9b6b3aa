import type { Cue } from '../media/frames.ts';
import { withoutSoundDescriptions } from './sound-descriptions.ts';

/** A line as FFmpeg's whisper filter writes it. It is no JSON: quotation marks in the text stay as they are. */
const LINE = /^\{"start":(-?\d+),"end":(-?\d+),"text":"(.*)"/;

/**
 * The words in the output of FFmpeg's whisper filter, one to a line: those that were said, without the descriptions of
 * other sounds.
 */
export function wordsOf(output: string): Cue[] {
  const words = output.split('\n').flatMap((line): Cue[] => {
    const [, startMs, endMs, raw = ''] = LINE.exec(line) ?? [];
    const text = raw.replace(/\s+/g, ' ').trim();
    return text === '' ? [] : [{ startSec: Number(startMs) / 1000, endSec: Number(endMs) / 1000, text }];
  });
  return withoutSoundDescriptions(words, ({ text }) => text);
}
