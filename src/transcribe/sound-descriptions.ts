/** Opening and closing marks of described sounds and singing: `[Music]`, `(applause)`, `♪ la la ♪`, `*coughs*`. */
const BRACKETS: Readonly<Record<string, string>> = { '[': ']', '(': ')', '♪': '♪', '♫': '♫', '*': '*' };
/** Maximum length of a description, in words. A bracket that stays open for longer counts as part of a word. */
const MAX_DESCRIPTION_WORDS = 12;

/**
 * Removes the words of sound descriptions. Subtitles and speech recognition share this rule.
 * @param textOf returns the text of a word, without spaces
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

/** Index of the last word of the description that starts at word `from`; undefined if none starts there. */
function descriptionEnd(texts: readonly string[], from: number): number | undefined {
  // A leading dash marks a change of speaker.
  const first = texts[from]!.replace(/^[-–—]+/, '');
  const close = BRACKETS[first[0]!];
  if (close === undefined) return undefined;
  const closes = (text: string) => text.replace(/[.,:;!?]+$/, '').endsWith(close);
  if (first.length > 1 && closes(first.slice(1))) return from;
  const end = texts.findIndex((text, i) => i > from && closes(text));
  if (end !== -1 && end - from < MAX_DESCRIPTION_WORDS) return end;
  return first === close ? from : undefined;
}
