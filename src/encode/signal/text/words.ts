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

/** A normalised word. */
export interface Word {
  readonly text: string;
  /** Specificity, 0 to 1. */
  readonly weight: number;
}

/**
 * Splits text into words, after NFKC normalisation and lower-casing. In scripts without spaces, each pair of adjacent
 * letters is a word (Nie, Gao, Zhang & Zhou 2000). In a text without letters and digits, runs of symbols are words.
 */
export function wordsOf(text: string): Word[] {
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
