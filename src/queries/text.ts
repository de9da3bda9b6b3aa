import { ReelvecError } from '../errors.ts';

/** Of the API. Where a bundle has a tokenizer of its own, its worker counts; words are what can be counted without. */
export const MAX_TOKENS = 500;
/** No five hundred tokens are as long: what is longer need not be counted. */
const MAX_CHARACTERS = 20_000;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/**
 * Refuses text that is blank or has more words than the API allows.
 * @param field path of the parameter: `text.input_text`
 * @throws {ReelvecError} naming the limit
 */
export function checkText(text: string, field: string): void {
  if (text.trim() === '') {
    throw new ReelvecError('parameter_invalid', `${field} must not be blank. Send what to look for.`, {
      details: { field },
    });
  }
  const words = text.length > MAX_CHARACTERS ? undefined : countWords(text);
  if (words !== undefined && words <= MAX_TOKENS) return;
  const found = words === undefined ? `${text.length} characters` : `${words} words`;
  throw new ReelvecError(
    'parameter_invalid',
    `${field} has ${found}; at most ${MAX_TOKENS} tokens are allowed. Shorten it.`,
    { details: { field, max_tokens: MAX_TOKENS } },
  );
}

function countWords(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}
