/** Marks around sounds that are described, or sung: `[Music]`, `(applause)`, `♪ la la ♪`, `*coughs*`. */
const BRACKETS: Readonly<Record<string, string>> = { '[': ']', '(': ')', '♪': '♪', '♫': '♫', '*': '*' };
/** Longest description, in words. A bracket that stays open for longer is taken for a word. */
const MAX_DESCRIPTION_WORDS = 12;

/**
 * Leaves out the words that describe sounds instead of being spoken. One rule for subtitles and for speech recognition.
 * @param textOf the text of a word, without spaces
 */
export function withoutSoundDescriptions<Word>(words: readonly Word[], textOf: (word: Word) => string): Word[] {
  const texts = words.map(textOf);
  const spoken: Word[] = [];
  for (let i = 0; i < words.length; i++) {
    const end = descriptionEnd(texts, i);
    if (end === undefined) spoken.push(words[i]!);
    else i = end;
  }
  return spoken;
}

/** The last word of the description that begins with a word; undefined when none does. */
function descriptionEnd(texts: readonly string[], from: number): number | undefined {
  // A dash marks a change of speakers.
  const first = texts[from]!.replace(/^[-–—]+/, '');
  const close = BRACKETS[first[0]!];
  if (close === undefined) return undefined;
  const closes = (text: string) => text.replace(/[.,:;!?]+$/, '').endsWith(close);
  if (first.length > 1 && closes(first.slice(1))) return from;
  const end = texts.findIndex((text, i) => i > from && closes(text));
  if (end !== -1 && end - from < MAX_DESCRIPTION_WORDS) return end;
  return first === close ? from : undefined;
}
