const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** Number of words, in any language. */
export function countWords(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}

/** Beginning of a text with at most this many words. */
export function firstWords(text: string, count: number): string {
  let words = 0;
  for (const { isWordLike, index } of segmenter.segment(text)) {
    if (isWordLike && ++words > count) return text.slice(0, index).trimEnd();
  }
  return text;
}
