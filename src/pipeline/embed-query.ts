import { DEFAULT_TEXT_LIMIT, type TextLimit } from '../domain/text-limit.ts';
import { countWords, firstWords } from '../domain/words.ts';
import type { Bundle, TextEncoder, VisualEncoder } from '../encode/encoder.ts';
import { meanVector } from '../encode/vectors.ts';
import { ReelvecError } from '../errors.ts';
import type { InputPart, PictureFormat } from '../media/frames.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';

/**
 * Embeds a query in each requested space. A query with media goes into the bundle's joint encoder in one pass; without
 * one, its vector is the mean of the unit vectors of its parts.
 * @throws {ReelvecError} `parameter_invalid` for a text over the limit, or parts that do not fit into the model together
 */
export async function embedQuery(job: QueryJob, bundle: Bundle): Promise<QueryVectors> {
  const { spaces, limit = DEFAULT_TEXT_LIMIT } = job;
  if (job.isDocument) return embedDocument(job, bundle);
  const given = job.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  const hasMedia = job.parts.length > given.length;
  const space = hasMedia && bundle.joint ? bundle.joint.space : spaces[0]!;
  const { texts, tokens } = await fitTexts(given, given.length > 0 ? textEncoderOf(bundle, space) : undefined, limit);
  const facts = { tokens, truncated: texts.some((text, i) => text !== given[i]) };
  if (hasMedia && bundle.joint) {
    return { vectors: [await bundle.joint.encode(withTexts(job.parts, texts))], ...facts };
  }
  const media = hasMedia ? await embedEach(job.parts, bundle) : [];
  const vectors: Float32Array[] = [];
  for (const space of spaces) {
    const words = texts.length > 0 ? [await embedText(texts, bundle, space)] : [];
    vectors.push(meanVector([...words, ...media]));
  }
  return { vectors, ...facts };
}

/** Embeds a text as the transcription encoder embeds speech, if that encodes into the space. */
async function embedDocument({ parts, spaces: [space] }: QueryJob, bundle: Bundle): Promise<QueryVectors> {
  const { transcription } = bundle;
  const encoder = transcription?.space === space ? transcription! : textEncoderOf(bundle, space!);
  const clips = parts.flatMap((part) => (part.kind === 'text' ? [{ startSec: 0, endSec: 0, text: part.text }] : []));
  return { vectors: await encoder.encode(clips), tokens: 0, truncated: false };
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
  const [vector] = await textEncoderOf(bundle, space).encode([{ startSec: 0, endSec: 0, text: texts.join(' ') }]);
  return vector!;
}

/**
 * Counts the tokens of texts together, and shortens or refuses them if they are over the limit.
 * @returns as many texts, the last ones shorter or empty if they were shortened
 */
async function fitTexts(
  texts: readonly string[],
  encoder: TextEncoder | undefined,
  { maxTokens, truncate }: TextLimit,
): Promise<{ texts: readonly string[]; tokens: number }> {
  const count = async (some: readonly string[]) => {
    const text = some.join(' ');
    return (await encoder?.countTokens?.(text)) ?? countWords(text);
  };
  const tokens = await count(texts);
  // Words are counted, and refused, before a query gets here.
  if (tokens <= maxTokens || !encoder?.countTokens) return { texts, tokens };
  if (!truncate) throw tooLong(tokens, maxTokens);
  // The largest number of words that fits.
  let [fits, tooMany] = [0, countWords(texts.join(' ')) + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if ((await count(firstWordsOf(texts, middle))) <= maxTokens) fits = middle;
    else tooMany = middle;
  }
  const shortened = firstWordsOf(texts, fits);
  return { texts: shortened, tokens: await count(shortened) };
}

/** The first words of texts together. */
function firstWordsOf(texts: readonly string[], words: number): string[] {
  let left = words;
  return texts.map((text) => {
    const kept = firstWords(text, left);
    left -= countWords(kept);
    return kept;
  });
}

/** Parts with other texts. Empty ones are left out. */
function withTexts(parts: readonly InputPart[], texts: readonly string[]): InputPart[] {
  const rest = texts.values();
  const replaced = parts.map((part) => (part.kind === 'text' ? { ...part, text: rest.next().value! } : part));
  return replaced.filter((part) => part.kind !== 'text' || part.text !== '');
}

function tooLong(tokens: number, maxTokens: number): ReelvecError {
  return new ReelvecError(
    'parameter_invalid',
    `The text has ${tokens} tokens; at most ${maxTokens} are allowed. Shorten it.`,
    { details: { tokens, max_tokens: maxTokens } },
  );
}

function textEncoderOf(bundle: Bundle, space: string): TextEncoder {
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
