import type { Bundle, VisualEncoder } from '../encode/encoder.ts';
import { ReelvecError } from '../errors.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';

/** Maximum length of a text query, in tokens of the model's tokenizer. The API's limit. */
const MAX_TOKENS = 500;

/**
 * Embeds a search query: its text in each space, and its pictures.
 * @throws {ReelvecError} `parameter_invalid` for a text over the limit
 */
export async function embedQuery({ text, spaces, pictures }: QueryJob, bundle: Bundle): Promise<QueryVectors> {
  const texts: Float32Array[] = [];
  for (const space of text === undefined ? [] : spaces) {
    const encoder = bundle.textQueries.find((query) => query.space === space);
    if (!encoder) throw new Error(`The bundle ${bundle.name} has no text queries in the space ${space}.`);
    const tokens = await encoder.countTokens?.(text!);
    if (tokens !== undefined && tokens > MAX_TOKENS) throw tooLong(tokens);
    texts.push(...(await encoder.encode([{ startSec: 0, endSec: 0, text: text! }])));
  }
  if (pictures.length === 0) return { texts, pictures: [] };
  const visual = visualOf(bundle);
  const endSec = 1 / visual.pictures.perSecond;
  const clips = pictures.map((picture) => ({ startSec: 0, endSec, pictures: [picture], isStill: true }));
  return { texts, pictures: await visual.encode(clips) };
}

function tooLong(tokens: number): ReelvecError {
  return new ReelvecError(
    'parameter_invalid',
    `The text has ${tokens} tokens; at most ${MAX_TOKENS} are allowed. Shorten it.`,
    { details: { tokens, max_tokens: MAX_TOKENS } },
  );
}

/**
 * The bundle's visual encoder.
 * @throws {Error} if it has none; the API refuses pictures for such a bundle before a worker gets them
 */
export function visualOf({ name, visual }: Bundle): VisualEncoder {
  if (!visual) throw new Error(`The bundle ${name} has no visual encoder.`);
  return visual;
}
