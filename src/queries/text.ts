import { ReelvecError } from '../errors.ts';

/** Token limit of the API. Bundles with a tokenizer count tokens in the worker; here, words are counted. */
const MAX_TOKENS = 500;
/** Maximum characters in which words are counted. 500 tokens are never as long. */
const MAX_CHARACTERS = 20_000;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/**
 * Refuses text that is blank or has more words than the API allows tokens.
 * @param field path of the request parameter: `text.input_text`
 * @throws {ReelvecError}
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

/** Number of words, in any language. */
export function countWords(text: string): number {
  let words = 0;
  for (const { isWordLike } of segmenter.segment(text)) if (isWordLike) words++;
  return words;
}
