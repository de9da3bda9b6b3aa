import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { z } from 'zod';
import { type ModelPart, SmallMultimodalModel } from './small-multimodal-model.ts';

/** The server programs whose requests are understood. */
export type ServerKind = 'vllm' | 'sglang' | 'llama.cpp';

/** Embeddings server of the test. */
export interface EmbeddingsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly model: SmallMultimodalModel;
  /** Paths and bodies of the requests with inputs that were answered in full. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests look at the bodies that they expect
  readonly answered: { readonly path: string; readonly body: any }[];
  /** Replaces the response to a request with inputs; null for none. */
  fault: (count: number) => EmbeddingsFault | null;
  stop(): Promise<void>;
}

/** Response to one request in place of the right one. */
export type EmbeddingsFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'cut' }
  | { readonly kind: 'answer'; readonly change: (answer: EmbeddingsAnswer) => unknown };

/** Response in OpenAI's shape. */
export interface EmbeddingsAnswer {
  data: { index: number; object: string; embedding: number[] }[];
}

export interface EmbeddingsServerOptions {
  readonly kind: ServerKind;
  readonly port?: number;
  readonly model?: SmallMultimodalModel;
  /** Length of the vectors. */
  readonly dimension?: number;
}

/** Name of the model on all test servers. */
export const MODEL_NAME = 'small/multimodal';

/** The request is not what the server program accepts. */
class BadRequest extends Error {}

const dataUri = (type: string) => z.string().regex(new RegExp(`^data:${type};base64,[A-Za-z0-9+/=]+$`));
const format = { encoding_format: z.literal('float').default('float') };
const texts = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** Unlike the real programs, which ignore unknown fields, the schemas refuse them. */
const vllmBody = z.union([
  z.strictObject({ model: z.literal(MODEL_NAME), input: texts, ...format }),
  z.strictObject({
    model: z.literal(MODEL_NAME),
    messages: z.tuple([
      z.strictObject({
        role: z.literal('user'),
        content: z.array(
          z.discriminatedUnion('type', [
            z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
            z.strictObject({
              type: z.literal('image_url'),
              image_url: z.strictObject({ url: dataUri('image/jpeg') }),
            }),
            z.strictObject({
              type: z.literal('audio_url'),
              audio_url: z.strictObject({ url: dataUri('audio/wav') }),
            }),
            z.strictObject({
              type: z.literal('video_url'),
              video_url: z.strictObject({ url: z.string().regex(/^data:video\/jpeg;base64,[A-Za-z0-9+/=,]+$/) }),
            }),
          ]),
        ),
      }),
    ]),
    media_io_kwargs: z
      .strictObject({
        video: z.strictObject({
          fps: z.number().positive(),
          frames_indices: z.array(z.int()),
          total_num_frames: z.int(),
          duration: z.number(),
          do_sample_frames: z.boolean(),
        }),
      })
      .optional(),
    ...format,
  }),
]);
const sglangBody = z.strictObject({
  model: z.literal(MODEL_NAME),
  input: z.union([
    texts,
    z.array(z.strictObject({ text: z.string().optional(), image: dataUri('image/jpeg').optional() })).min(1),
  ]),
  ...format,
});
const sglangEncodeBody = z.union([
  z.strictObject({ image_data: z.array(z.array(dataUri('image/jpeg')).min(1)).min(1) }),
  z.strictObject({ audio_data: z.array(z.array(dataUri('audio/wav')).min(1)).min(1) }),
]);
const llamaPrompt = z.strictObject({
  prompt_string: z.string(),
  multimodal_data: z.array(z.string().regex(/^[A-Za-z0-9+/=]+$/, 'Failed to load image or audio file')),
});
const llamaBody = z.strictObject({
  model: z.string().optional(),
  input: z.union([texts, z.array(z.union([z.string().min(1), llamaPrompt])).min(1)]),
  ...format,
});

/** Serves a small model as vLLM, SGLang or llama.cpp does: same paths, request bodies, responses and errors. */
export async function startEmbeddingsServer(options: EmbeddingsServerOptions): Promise<EmbeddingsServer> {
  const { kind, dimension = 768 } = options;
  const model = options.model ?? (await SmallMultimodalModel.open(dimension));
  const answered: { path: string; body: unknown }[] = [];
  /** As of llama.cpp: random, and another after each start. */
  const marker = `<__media_${randomBytes(8).toString('hex')}__>`;
  let count = 0;

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      const isBad = error instanceof BadRequest || error instanceof z.ZodError;
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error.message);
      json(response, isBad ? 400 : 500, { error: { code: 400, message, type: 'invalid_request_error' } });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const bytes = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    if (path === '/health') return void response.writeHead(200).end();
    if (path === '/v1/models') return json(response, 200, { object: 'list', data: [{ id: MODEL_NAME }] });
    if (path === '/props' && kind === 'llama.cpp') return json(response, 200, { media_marker: marker });
    const isOwn = path === '/v1/embeddings' || (kind === 'sglang' && path === '/encode');
    if (request.method !== 'POST' || !isOwn) return json(response, 404, { error: { message: `no ${path}` } });
    const fault = self.fault(count++);
    if (fault?.kind === 'status') {
      response
        .writeHead(fault.status, fault.headers)
        .end(JSON.stringify({ error: { message: 'a fault of the test' } }));
      return;
    }
    if (fault?.kind === 'cut') return void request.socket.destroy();
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    const inputs = await inputsOf(path, body);
    const data = [];
    for (const [index, parts] of inputs.entries()) {
      data.push({ index, object: 'embedding', embedding: await model.embed(parts) });
    }
    const whole = { object: 'list', model: MODEL_NAME, data, usage: { prompt_tokens: 1, total_tokens: 1 } };
    const changed = fault?.kind === 'answer' ? fault.change(whole) : undefined;
    if (changed !== undefined) return json(response, 200, changed);
    answered.push({ path, body });
    json(response, 200, path === '/encode' ? data.map(({ embedding }) => ({ embedding, meta_info: {} })) : whole);
  }

  async function inputsOf(path: string, body: unknown): Promise<ModelPart[][]> {
    if (kind === 'vllm') return vllmInputs(vllmBody.parse(body));
    if (kind === 'llama.cpp') return llamaInputs(llamaBody.parse(body), marker);
    return path === '/encode' ? sglangEncodeInputs(sglangEncodeBody.parse(body)) : sglangInputs(sglangBody.parse(body));
  }

  const self: EmbeddingsServer = {
    url: '',
    port: 0,
    model,
    answered,
    fault: () => null,
    stop: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    [Symbol.asyncDispose]: () => self.stop(),
  };
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(self, { url: `http://127.0.0.1:${port}`, port });
}

const textInputs = (input: string | string[]): ModelPart[][] => [input].flat().map((text) => [{ kind: 'text', text }]);
const isTexts = (input: unknown): input is string | string[] =>
  typeof input === 'string' || (input as unknown[]).every((each) => typeof each === 'string');

async function vllmInputs(body: z.infer<typeof vllmBody>): Promise<ModelPart[][]> {
  if ('input' in body) return textInputs(body.input);
  const [{ content }] = body.messages;
  const parts = content.map(async (part): Promise<ModelPart[]> => {
    if (part.type === 'text') return [part.text].map((text) => ({ kind: 'text', text }));
    if (part.type === 'image_url') return [await image(contentOf(part.image_url.url))];
    if (part.type === 'audio_url') return [sound(contentOf(part.audio_url.url))];
    const frames = part.video_url.url.split(',').slice(1);
    const times = body.media_io_kwargs?.video;
    if (times?.frames_indices.length !== frames.length || times.do_sample_frames) throw new BadRequest('frame times');
    return Promise.all(frames.map((frame) => image(Buffer.from(frame, 'base64'))));
  });
  return [(await Promise.all(parts)).flat()];
}

async function sglangInputs({ input }: z.infer<typeof sglangBody>): Promise<ModelPart[][]> {
  if (isTexts(input)) return textInputs(input);
  return Promise.all(
    input.map(async ({ text, image: file }): Promise<ModelPart[]> => {
      const words: ModelPart[] = text === undefined ? [] : [{ kind: 'text', text }];
      return file === undefined ? words : [await image(contentOf(file)), ...words];
    }),
  );
}

async function sglangEncodeInputs(body: z.infer<typeof sglangEncodeBody>): Promise<ModelPart[][]> {
  if ('audio_data' in body) return body.audio_data.map((files) => files.map((file) => sound(contentOf(file))));
  return Promise.all(body.image_data.map((files) => Promise.all(files.map((file) => image(contentOf(file))))));
}

async function llamaInputs({ input }: z.infer<typeof llamaBody>, marker: string): Promise<ModelPart[][]> {
  if (isTexts(input)) return textInputs(input);
  return Promise.all(
    input.map(async (prompt): Promise<ModelPart[]> => {
      if (typeof prompt === 'string') return [{ kind: 'text', text: prompt }];
      const words = prompt.prompt_string.split(marker);
      const files = prompt.multimodal_data.map((file) => Buffer.from(file, 'base64'));
      if (words.length !== files.length + 1) throw new BadRequest('Failed to tokenize prompt');
      const parts = words.map(async (text, i): Promise<ModelPart[]> => {
        const before: ModelPart[] = text === '' ? [] : [{ kind: 'text', text }];
        const file = files[i];
        return file ? [...before, isWav(file) ? sound(file) : await image(file)] : before;
      });
      return (await Promise.all(parts)).flat();
    }),
  );
}

function contentOf(uri: string): Buffer {
  return Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64');
}

async function image(file: Buffer): Promise<ModelPart> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return { kind: 'image', rgb: data, width: info.width, height: info.height };
}

function isWav(file: Buffer): boolean {
  return file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 16) === 'WAVEfmt ';
}

function sound(file: Buffer): ModelPart {
  const size = file.readUInt32LE(40);
  if (!isWav(file) || file.readUInt32LE(4) !== file.length - 8 || size !== file.length - 44) {
    throw new BadRequest('Failed to load image or audio file');
  }
  const samples = Float32Array.from({ length: size / 2 }, (_, i) => file.readInt16LE(44 + 2 * i) / 32_767);
  return { kind: 'sound', samples, sampleRate: file.readUInt32LE(24) };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
