import type { Bundle, VisualEncoder } from '../encode/encoder.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';

/** Turns what something is looked for by into vectors, with encoders that stay loaded for the next query. */
export async function embedQuery({ text, spaces, pictures }: QueryJob, bundle: Bundle): Promise<QueryVectors> {
  const texts: Float32Array[] = [];
  for (const space of text === undefined ? [] : spaces) {
    const encoder = bundle.textQueries.find((query) => query.space === space);
    if (!encoder) throw new Error(`The bundle ${bundle.name} has no text queries in the space ${space}.`);
    texts.push(...(await encoder.encode([{ startSec: 0, endSec: 0, text: text! }])));
  }
  if (pictures.length === 0) return { texts, pictures: [] };
  const visual = visualOf(bundle);
  // A picture stands for the moment in which it is shown.
  const endSec = 1 / visual.pictures.perSecond;
  const clips = pictures.map((picture) => ({ startSec: 0, endSec, pictures: [picture] }));
  return { texts, pictures: await visual.encode(clips) };
}

/** @throws {Error} where there is none: a picture is refused before it comes to a worker */
export function visualOf({ name, visual }: Bundle): VisualEncoder {
  if (!visual) throw new Error(`The bundle ${name} has no encoder of pictures.`);
  return visual;
}
