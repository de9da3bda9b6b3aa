import type { Bundle, VisualEncoder } from '../encode/encoder.ts';
import { ReelvecError } from '../errors.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';

/** Of the API, by the tokenizer of the model. */
const MAX_TOKENS = 500;

/** Turns what something is looked for by into vectors, with encoders that stay loaded for the next query. */
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

/** @throws {Error} where there is none: a picture is refused before it comes to a worker */
export function visualOf({ name, visual }: Bundle): VisualEncoder {
  if (!visual) throw new Error(`The bundle ${name} has no encoder of pictures.`);
  return visual;
}
