import type { Cue } from '../media/frames.ts';

/** A line as FFmpeg's whisper filter writes it. It is no JSON: quotation marks in the text stay as they are. */
const LINE = /^\{"start":(-?\d+),"end":(-?\d+),"text":"(.*)"/;
/** What stands around sounds that Whisper describes: `[Music]`, `(applause)`, `♪ … ♪`, `*coughs*`. */
const BRACKETS: Readonly<Record<string, string>> = { '[': ']', '(': ')', '♪': '♪', '*': '*' };
/** A description has no more words than this; what stays open longer was none. */
const LONGEST_DESCRIPTION = 12;

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
  const spoken: Cue[] = [];
  for (let i = 0; i < words.length; i++) {
    const end = descriptionEnd(words, i);
    if (end === undefined) spoken.push(words[i]!);
    else i = end;
  }
  return spoken;
}

/** The last word of the description that begins with a word; nothing when none does. */
function descriptionEnd(words: readonly Cue[], from: number): number | undefined {
  const first = words[from]!.text;
  const close = BRACKETS[first[0]!];
  if (close === undefined) return undefined;
  if (first.length > 1 && first.endsWith(close)) return from;
  const end = words.findIndex(({ text }, i) => i > from && text.endsWith(close));
  if (end !== -1 && end - from < LONGEST_DESCRIPTION) return end;
  return first === close ? from : undefined;
}
