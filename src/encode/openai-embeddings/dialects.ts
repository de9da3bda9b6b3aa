import type { RemoteRequest } from '../remote/client.ts';
import { ProtocolFault } from '../remote/protocol-fault.ts';
import type { ServerModelSpec } from './spec.ts';

/** Part of an input, as a server takes it. */
export type SentPart =
  | { readonly kind: 'text'; readonly text: string }
  /** A JPEG file. */
  | { readonly kind: 'image'; readonly file: Uint8Array }
  /** JPEG files in order of time. */
  | { readonly kind: 'video'; readonly files: readonly Uint8Array[]; readonly perSecond: number }
  /** A WAV file. */
  | { readonly kind: 'sound'; readonly file: Uint8Array };

/** Input of several parts that has one vector. */
export type SentInput = readonly SentPart[];

/** Differences between the servers. */
interface Dialect {
  /** True if a request may hold several inputs with media. */
  readonly batchesMedia: boolean;
  /** @param chat true to send text through the server's chat template */
  request(model: string, inputs: readonly SentInput[], chat: boolean): RemoteRequest;
}

/** Path of the readiness check, in all dialects. */
export const HEALTH_PATH = 'health';

const EMBEDDINGS_PATH = 'v1/embeddings';
/** SGLang's own path, which takes several media in an input, and sound. */
const SGLANG_PATH = 'encode';
/** Description of a llama.cpp server, with the marker of media in prompts. It is random, and another after each start. */
const LLAMA_PROPS_PATH = 'props';
/** Marker of llama.cpp servers that do not name one. */
const LLAMA_DEFAULT_MARKER = '<__media__>';

/** Requests of each kind of server, for 'openai-embeddings' encoders. */
export const DIALECTS: Readonly<Record<ServerModelSpec['dialect'], Dialect>> = {
  vllm: {
    batchesMedia: false,
    request: (model, inputs, chat) => {
      if (!chat && inputs.every(isText)) return textRequest(model, inputs);
      return post(EMBEDDINGS_PATH, vllmChat(model, inputs[0]!));
    },
  },
  sglang: {
    batchesMedia: true,
    request: (model, inputs) => {
      if (inputs.every(isText)) return textRequest(model, inputs);
      if (!inputs.every(([part, ...others]) => part?.kind === 'image' && others.length === 0)) {
        return post(SGLANG_PATH, sglangMedia(inputs));
      }
      const images = inputs.map(([image]) => ({ image: dataUri(image as MediaPart) }));
      return post(EMBEDDINGS_PATH, { model, input: images, encoding_format: 'float' });
    },
  },
  'llama.cpp': {
    batchesMedia: true,
    request: (model, inputs) => {
      if (inputs.every(isText)) return textRequest(model, inputs);
      return {
        ...post(EMBEDDINGS_PATH),
        body: {
          documentPath: LLAMA_PROPS_PATH,
          create: (props) => {
            const input = inputs.map((parts) => llamaPrompt(parts, mediaMarker(props)));
            return json({ model, input, encoding_format: 'float' });
          },
        },
      };
    },
  },
};

type MediaPart = Extract<SentPart, { file: Uint8Array }>;

function isText(parts: SentInput): boolean {
  return parts.every(({ kind }) => kind === 'text');
}

/** The form that all servers share. */
function textRequest(model: string, inputs: readonly SentInput[]): RemoteRequest {
  const input = inputs.map((parts) => parts.map((part) => (part as { text: string }).text).join(' '));
  return post(EMBEDDINGS_PATH, { model, input, encoding_format: 'float' });
}

/** Request of one conversation (vLLM, "Multimodal inputs"). The frames of a video are JPEG files, separated by commas. */
function vllmChat(model: string, parts: SentInput): object {
  const content = parts.map((part) => {
    if (part.kind === 'text') return { type: 'text', text: part.text };
    if (part.kind === 'image') return { type: 'image_url', image_url: { url: dataUri(part) } };
    if (part.kind === 'sound') return { type: 'audio_url', audio_url: { url: dataUri(part) } };
    return { type: 'video_url', video_url: { url: `data:video/jpeg;base64,${part.files.map(base64).join(',')}` } };
  });
  const video = parts.find((part) => part.kind === 'video');
  return {
    model,
    messages: [{ role: 'user', content }],
    encoding_format: 'float',
    ...(video && { media_io_kwargs: { video: frameTimes(video) } }),
  };
}

/** Times of the frames, without which a server would take them for 24 or so a second and skip most of them. */
function frameTimes({ files, perSecond }: Extract<SentPart, { kind: 'video' }>): object {
  return {
    fps: perSecond,
    frames_indices: [...files.keys()],
    total_num_frames: files.length,
    duration: files.length / perSecond,
    do_sample_frames: false,
  };
}

/** Inputs without text for SGLang's `/encode`: a list of lists, one for each vector. */
function sglangMedia(inputs: readonly SentInput[]): object {
  const kinds = new Set(inputs.flat().map(({ kind }) => kind));
  const field = kinds.has('sound') ? 'audio_data' : 'image_data';
  if (kinds.size !== 1 || kinds.has('text') || kinds.has('video')) {
    throw new Error(`SGLang cannot take ${[...kinds].join(' and ')} in one input.`);
  }
  return { [field]: inputs.map((parts) => parts.map((part) => dataUri(part as MediaPart))) };
}

/** Prompt of llama.cpp: text with a marker for each of the media. */
function llamaPrompt(parts: SentInput, marker: string): object {
  const media = parts.flatMap((part): Uint8Array[] => {
    if (part.kind === 'text') return [];
    return part.kind === 'video' ? [...part.files] : [part.file];
  });
  const prompt = parts.map((part) => {
    if (part.kind === 'text') return part.text.replaceAll(marker, '');
    return marker.repeat(part.kind === 'video' ? part.files.length : 1);
  });
  return { prompt_string: prompt.join(''), multimodal_data: media.map(base64) };
}

function mediaMarker(props: Uint8Array): string {
  const { media_marker: marker } = parseJson(props) as { media_marker?: unknown };
  return typeof marker === 'string' && marker !== '' ? marker : LLAMA_DEFAULT_MARKER;
}

function post(path: string, content?: object): RemoteRequest {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', path, headers, ...(content && { body: json(content) }) };
}

function json(content: object): Uint8Array {
  return Buffer.from(JSON.stringify(content));
}

function dataUri({ kind, file }: MediaPart): string {
  return `data:${kind === 'image' ? 'image/jpeg' : 'audio/wav'};base64,${base64(file)}`;
}

function base64(file: Uint8Array): string {
  return Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString('base64');
}

/**
 * Vectors of a response, in the order of the inputs.
 * @param shape number of inputs, and length of the server's vectors
 * @throws {ProtocolFault} if the response has another number of vectors, or other lengths
 */
export function readVectors(body: Uint8Array, { count, dimension }: { count: number; dimension: number }): number[][] {
  const answer = parseJson(body) as { data?: unknown };
  // SGLang's `/encode` answers with the list alone, or with its only entry.
  const rows = Array.isArray(answer.data) ? answer.data : Array.isArray(answer) ? answer : [answer];
  if (rows.length !== count) throw new ProtocolFault(`It sent ${rows.length} vectors for ${count} inputs.`);
  const vectors = new Array<number[]>(count);
  for (const [position, row] of rows.entries()) {
    const { index = position, embedding } = (row ?? {}) as { index?: unknown; embedding?: unknown };
    if (!Number.isInteger(index) || vectors[index as number] !== undefined || (index as number) >= count) {
      throw new ProtocolFault(`It sent a vector with the index ${JSON.stringify(index)} for ${count} inputs.`);
    }
    vectors[index as number] = readVector(embedding, dimension);
  }
  return vectors;
}

function readVector(embedding: unknown, dimension: number): number[] {
  if (!Array.isArray(embedding)) throw new ProtocolFault('It sent no vector.');
  if (Array.isArray(embedding[0])) {
    throw new ProtocolFault('It sent a vector for each token. Start it with pooling, as --pooling mean.');
  }
  if (embedding.length !== dimension) {
    throw new ProtocolFault(`It sent ${embedding.length} values, where the bundle's "dimension" is ${dimension}.`);
  }
  if (!embedding.every((value) => typeof value === 'number')) throw new ProtocolFault('It sent what is no number.');
  return embedding;
}

/** @throws {ProtocolFault} for a response that is not a JSON object or array */
export function parseJson(body: Uint8Array): object {
  try {
    const content: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof content === 'object' && content !== null) return content;
  } catch (error) {
    throw new ProtocolFault(`Its answer is no JSON: ${(error as Error).message}`);
  }
  throw new ProtocolFault('Its answer is no JSON object.');
}
