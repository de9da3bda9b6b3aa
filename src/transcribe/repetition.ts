import type { Cue } from '../media/frames.ts';

/** Minimum length of a repeated passage, in words. People repeat shorter ones. */
const MIN_WORDS = 6;
/** Minimum pace of a repeated passage, in words per second. A refrain is slower. */
const MIN_WORDS_PER_SEC = 3;

/**
 * True if a passage follows itself word by word, at the pace of quick speech. Whisper, when it loses track, writes the last
 * sentences again and again, in place of what is said.
 */
export function hasLoop(words: readonly Cue[]): boolean {
  const texts = words.map(({ text }) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''));
  for (let period = MIN_WORDS; 2 * period <= texts.length; period++) {
    let equal = 0;
    for (let i = 0; i + period < texts.length; i++) {
      equal = texts[i] === texts[i + period] ? equal + 1 : 0;
      if (equal < period) continue;
      const sec = words[i + period]!.endSec - words[i + 1]!.startSec;
      if (period >= sec * MIN_WORDS_PER_SEC) return true;
    }
  }
  return false;
}
