import type { Bundle, VisualEncoder } from '../encode/encoder.ts';
import { meanVector } from '../encode/vectors.ts';
import { ReelvecError } from '../errors.ts';
import type { InputPart, PictureFormat } from '../media/frames.ts';
import type { QueryJob } from '../workers/protocol.ts';

/** Maximum length of the text of a query, in tokens of the model's tokenizer. The API's limit. */
const MAX_TEXT_TOKENS = 500;

/**
 * Embeds a query in each requested space. A query with media goes into the bundle's joint encoder in one pass; without
 * one, its vector is the mean of the unit vectors of its parts.
 * @returns one vector of norm 1 per space
 * @throws {ReelvecError} `parameter_invalid` for a text over the limit, or parts that do not fit into the model together
 */
export async function embedQuery({ parts, spaces }: QueryJob, bundle: Bundle): Promise<Float32Array[]> {
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  const hasMedia = parts.length > texts.length;
  if (hasMedia && bundle.joint) {
    await checkTextLength(texts, bundle, bundle.joint.space);
    return [await bundle.joint.encode(parts)];
  }
  const media = hasMedia ? await embedEach(parts, bundle) : [];
  const vectors: Float32Array[] = [];
  for (const space of spaces) {
    const words = texts.length > 0 ? [await embedText(texts, bundle, space)] : [];
    vectors.push(meanVector([...words, ...media]));
  }
  return vectors;
}

/** Format of the pictures of a query. */
export function queryPictureFormat(bundle: Bundle): PictureFormat {
  return bundle.joint?.pictures ?? visualOf(bundle).pictures;
}

/** Vectors of the media of a query, each as a clip of its option: those of pictures first. */
async function embedEach(parts: readonly InputPart[], bundle: Bundle): Promise<Float32Array[]> {
  const sounds = parts.flatMap((part) => (part.kind === 'sound' ? [part.samples] : []));
  const films = parts.flatMap((part) => {
    if (part.kind === 'video') return [{ pictures: part.pictures, isStill: false }];
    return part.kind === 'picture' ? [{ pictures: [part.picture], isStill: true }] : [];
  });
  const vectors: Float32Array[] = [];
  if (films.length > 0) {
    const visual = visualOf(bundle);
    const endSec = (pictures: number) => pictures / visual.pictures.perSecond;
    const clips = films.map((film) => ({ startSec: 0, endSec: endSec(film.pictures.length), ...film }));
    vectors.push(...(await visual.encode(clips)));
  }
  if (sounds.length > 0) {
    const { audio } = bundle;
    if (!audio) throw new Error(`The bundle ${bundle.name} has no audio encoder.`);
    const clips = sounds.map((samples) => ({ startSec: 0, endSec: samples.length / audio.sampleRate, samples }));
    vectors.push(...(await audio.encode(clips)));
  }
  return vectors;
}

async function embedText(texts: readonly string[], bundle: Bundle, space: string): Promise<Float32Array> {
  await checkTextLength(texts, bundle, space);
  const [vector] = await textEncoderOf(bundle, space).encode([{ startSec: 0, endSec: 0, text: texts.join(' ') }]);
  return vector!;
}

/** Refuses texts that have too many tokens together. */
async function checkTextLength(texts: readonly string[], bundle: Bundle, space: string): Promise<void> {
  if (texts.length === 0) return;
  const tokens = await textEncoderOf(bundle, space).countTokens?.(texts.join(' '));
  if (tokens === undefined || tokens <= MAX_TEXT_TOKENS) return;
  throw new ReelvecError(
    'parameter_invalid',
    `The text has ${tokens} tokens; at most ${MAX_TEXT_TOKENS} are allowed. Shorten it.`,
    { details: { tokens, max_tokens: MAX_TEXT_TOKENS } },
  );
}

function textEncoderOf(bundle: Bundle, space: string) {
  const encoder = bundle.textQueries.find((query) => query.space === space);
  if (!encoder) throw new Error(`The bundle ${bundle.name} has no text queries in the space ${space}.`);
  return encoder;
}

/**
 * The bundle's visual encoder.
 * @throws {Error} if it has none; the API refuses pictures for such a bundle before a worker gets them
 */
function visualOf({ name, visual }: Bundle): VisualEncoder {
  if (!visual) throw new Error(`The bundle ${name} has no visual encoder.`);
  return visual;
}
