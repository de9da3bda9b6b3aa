import type { TextClip, TextEncoder } from '../encoder.ts';
import { DIMENSION } from '../encoder.ts';
import { describeEach } from './each.ts';
import { toUnitVector } from './vector.ts';

const SLOTS = DIMENSION - 1;
/** Characters. Long enough to carry a stem, short enough to forgive an ending; one suits scripts without spaces. */
const GRAM_LENGTHS = [1, 2, 3, 4, 5];
/** Words say more than the letters in them, which every text of a language shares. */
const WEIGHT = { word: 1, pair: 0.7, gram: [0, 0.05, 0.15, 0.25, 0.3, 0.3] } as const;

/** Text as hashed word and character n-grams: near to what shares words or stems, with no notion of meaning. */
export const textEncoder: TextEncoder = {
  space: 'signal/transcription',
  encode: (clips, options) => describeEach(clips, describeText, options?.signal),
  async close() {},
};

/**
 * Counts n-grams (Cavnar & Trenkle 1994 for characters), damps each count to 1 + ln(count) (Salton & Buckley 1988) and
 * adds it to one signed slot by its hash (Weinberger et al. 2009).
 */
function describeText(clip: TextClip): Float32Array {
  const counts = new Map<string, { count: number; weight: number }>();
  const add = (gram: string, weight: number) => {
    const known = counts.get(gram);
    if (known) known.count++;
    else counts.set(gram, { count: 1, weight });
  };
  const words = wordsOf(clip.text);
  for (const [i, word] of words.entries()) {
    add(`w ${word}`, WEIGHT.word);
    const next = words[i + 1];
    if (next !== undefined) add(`p ${word} ${next}`, WEIGHT.pair);
    const letters = [...` ${word} `];
    for (const length of GRAM_LENGTHS) {
      for (let at = 0; at + length <= letters.length; at++) {
        const gram = letters.slice(at, at + length).join('');
        if (gram !== ' ') add(`c ${gram}`, WEIGHT.gram[length]!);
      }
    }
  }
  const slots = new Float64Array(SLOTS);
  for (const [gram, { count, weight }] of counts) {
    const hash = hashOf(gram);
    slots[(hash >>> 1) % SLOTS]! += (hash & 1 ? 1 : -1) * weight * (1 + Math.log(count));
  }
  return toUnitVector(slots);
}

/** Words after compatibility normalisation and lower case; a text without letters or digits is its own only word. */
function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKC').toLowerCase().normalize('NFKC');
  return plain.match(/[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu) ?? plain.split(/\s+/u).filter((part) => part !== '');
}

/** FNV-1a over UTF-16 code units (Fowler, Noll & Vo 1991), finished like MurmurHash3 so that all bits depend on all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
