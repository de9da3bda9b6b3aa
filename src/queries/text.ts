import { DEFAULT_TEXT_LIMIT, type TextLimit } from '../domain/text-limit.ts';
import { countWords, firstWords } from '../domain/words.ts';
import { ReelvecError } from '../errors.ts';

/** Maximum characters per allowed token in which words are counted. No text within the limit is as long. */
const MAX_CHARACTERS_PER_TOKEN = 40;

/**
 * Refuses text that is blank or has more words than the API allows tokens. Bundles with a tokenizer count tokens in the worker.
 * @param field path of the request parameter: `text.input_text`
 * @returns the text, shortened if the limit allows that
 * @throws {ReelvecError}
 */
export function checkText(text: string, field: string, limit: TextLimit = DEFAULT_TEXT_LIMIT): string {
  const { maxTokens, truncate } = limit;
  if (text.trim() === '') {
    throw new ReelvecError('parameter_invalid', `${field} must not be blank. Send what to look for.`, {
      details: { field },
    });
  }
  const maxCharacters = maxTokens * MAX_CHARACTERS_PER_TOKEN;
  const words = text.length > maxCharacters ? undefined : countWords(text);
  if (words !== undefined && words <= maxTokens) return text;
  if (truncate) return firstWords(text.slice(0, maxCharacters), maxTokens);
  const found = words === undefined ? `${text.length} characters` : `${words} words`;
  throw new ReelvecError(
    'parameter_invalid',
    `${field} has ${found}; at most ${maxTokens} tokens are allowed. Shorten it.`,
    { details: { field, max_tokens: maxTokens } },
  );
}
