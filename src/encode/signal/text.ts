import type { TextClip, TextEncoder } from '../encoder.ts';
import { DIMENSION } from '../encoder.ts';
import { encodeEach } from './encode-each.ts';
import { toUnitVector } from './vector.ts';

const HASH_SLOTS = DIMENSION - 1;
/** Characters. Long enough to carry a stem, short enough to forgive an ending. */
const GRAM_LENGTHS_CHARS = [2, 3, 4, 5];
/** Words say more than the letters in them, which every text of a language shares. */
const WORD_WEIGHT = 1;
const PAIR_WEIGHT = 0.5;
const GRAM_WEIGHT = 0.25;
/** Letters from which on a word weighs in full: the shorter, the more often it occurs and the less it says (Zipf 1949). */
const FULL_WEIGHT_LETTERS = 6;

/** Words: letters, marks and digits, with an apostrophe between them. */
const WORD_PATTERN = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu;
/** Writing that does not part its words. */
const UNSPACED_SCRIPTS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

/** Text as hashed word and character n-grams: near to what shares words or stems, with no notion of meaning. */
export const textEncoder: TextEncoder = {
  space: 'signal/transcription',
  encode: (clips, options) => encodeEach(clips, textVector, options?.signal),
  async close() {},
};

/**
 * Counts n-grams (Cavnar & Trenkle 1994 for characters), damps each count to 1 + ln(count) (Salton & Buckley 1988) and
 * adds it to one signed slot by its hash (Weinberger et al. 2009).
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

interface Word {
  readonly text: string;
  /** 0 to 1: how much it tells. */
  readonly weight: number;
}

/**
 * Words after compatibility normalisation and lower case. Where words are not spaced, every two neighbouring letters are
 * one (Nie, Gao, Zhang & Zhou 2000). A text without letters and digits has its signs for words.
 */
function wordsOf(text: string): Word[] {
  const plain = text.normalize('NFKC').toLowerCase().normalize('NFKC').toWellFormed();
  const spaced = plain.replace(UNSPACED_SCRIPTS, (run) => ` ${bigramsOf(run).join(' ')} `);
  const words = spaced.match(WORD_PATTERN) ?? plain.split(/\s+/u).filter((part) => part !== '');
  return words.map((word) => ({
    text: word,
    weight: word.search(UNSPACED_SCRIPTS) === 0 ? 1 : Math.min(1, word.length / FULL_WEIGHT_LETTERS),
  }));
}

function bigramsOf(run: string): string[] {
  const letters = [...run];
  return letters.length === 1 ? letters : letters.slice(1).map((letter, i) => `${letters[i]!}${letter}`);
}

/** FNV-1a over UTF-16 code units (Fowler, Noll & Vo 1991), finished like MurmurHash3 so that all bits depend on all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
