import type { TextClip, TextEncoder } from '../../encoder.ts';
import { DIMENSION } from '../../encoder.ts';
import { encodeEach } from '../encode-each.ts';
import { toUnitVector } from '../unit-vector.ts';
import { hashOf } from './hash.ts';
import { wordsOf } from './words.ts';

/** Number of hash slots; the last value of a vector is the constant of `toUnitVector`. */
const HASH_SLOTS = DIMENSION - 1;
/** Lengths of character n-grams, in characters: long enough for a stem, short enough to ignore endings. */
const GRAM_LENGTHS_CHARS = [2, 3, 4, 5];
/** Weight of a word. Words are more specific than n-grams, which all texts of a language share. */
const WORD_WEIGHT = 1;
/** Weight of a pair of adjacent words. */
const PAIR_WEIGHT = 0.5;
/** Weight of a character n-gram. */
const GRAM_WEIGHT = 0.25;

/** Encodes text as hashed word and character n-grams. Texts with common words or stems are near; meaning is ignored. */
export const textEncoder: TextEncoder = {
  space: 'signal/transcription',
  encode: (clips, options) => encodeEach(clips, textVector, options?.signal),
  async close() {},
};

/**
 * Vector of a text: counts words, word pairs and character n-grams (Cavnar & Trenkle 1994), damps each count to
 * 1 + ln(count) (Salton & Buckley 1988) and adds it to one signed slot by its hash (Weinberger et al. 2009).
 */
function textVector(clip: TextClip): Float32Array {
  const counts = new Map<string, { count: number; weight: number }>();
  const add = (gram: string, weight: number) => {
    const known = counts.get(gram);
    if (known) known.count++;
    else counts.set(gram, { count: 1, weight });
  };
  const words = wordsOf(clip.text);
  for (const [i, word] of words.entries()) {
    add(`w ${word.text}`, WORD_WEIGHT * word.weight);
    const next = words[i + 1];
    if (next) add(`p ${word.text} ${next.text}`, PAIR_WEIGHT * Math.min(word.weight, next.weight));
    const letters = [...` ${word.text} `];
    for (const length of GRAM_LENGTHS_CHARS) {
      for (let at = 0; at + length <= letters.length; at++) {
        add(`c ${letters.slice(at, at + length).join('')}`, GRAM_WEIGHT * word.weight);
      }
    }
  }
  const slots = new Float64Array(HASH_SLOTS);
  for (const [gram, { count, weight }] of counts) {
    const hash = hashOf(gram);
    slots[(hash >>> 1) % HASH_SLOTS]! += (hash & 1 ? 1 : -1) * weight * (1 + Math.log(count));
  }
  return toUnitVector(slots);
}
