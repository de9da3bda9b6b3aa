import type { TextClip, TextEncoder } from '../encoder.ts';
import { DIMENSION } from '../encoder.ts';
import { encodeEach } from './encode-each.ts';
import { toUnitVector } from './unit-vector.ts';

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
/**
 * Length from which a word has full weight, in UTF-16 code units. Shorter words are frequent and unspecific (Zipf
 * 1949).
 */
const FULL_WEIGHT_CHARS = 6;

/** Matches words: letters, marks and digits, with inner apostrophes. */
const WORD_PATTERN = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu;
/** Matches runs of scripts without spaces between words. */
const UNSPACED_SCRIPTS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

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

/** A normalised word. */
interface Word {
  readonly text: string;
  /** Specificity, 0 to 1. */
  readonly weight: number;
}

/**
 * Splits text into words, after NFKC normalisation and lower-casing. In scripts without spaces, each pair of adjacent
 * letters is a word (Nie, Gao, Zhang & Zhou 2000). In a text without letters and digits, runs of symbols are words.
 */
function wordsOf(text: string): Word[] {
  const plain = text.normalize('NFKC').toLowerCase().normalize('NFKC').toWellFormed();
  const spaced = plain.replace(UNSPACED_SCRIPTS, (run) => ` ${bigramsOf(run).join(' ')} `);
  const words = spaced.match(WORD_PATTERN) ?? plain.split(/\s+/u).filter((part) => part !== '');
  return words.map((word) => ({
    text: word,
    weight: word.search(UNSPACED_SCRIPTS) === 0 ? 1 : Math.min(1, word.length / FULL_WEIGHT_CHARS),
  }));
}

/** Pairs of adjacent letters; a single letter stays alone. */
function bigramsOf(run: string): string[] {
  const letters = [...run];
  return letters.length === 1 ? letters : letters.slice(1).map((letter, i) => `${letters[i]!}${letter}`);
}

/** FNV-1a over UTF-16 code units (Fowler, Noll & Vo 1991) with the finaliser of MurmurHash3, which mixes all bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
