import type { InputPart } from '../../media/frames.ts';
import { encodeJpeg } from '../../media/picture/encode-image.ts';
import { wavFile } from '../../media/wav-file.ts';
import type { InferenceClient } from '../remote/client.ts';
import { ProtocolFault } from '../remote/protocol-fault.ts';
import { runBatches } from '../tensors/run-batches.ts';
import { encoderVector } from '../vectors.ts';
import { DIALECTS, parseJson, readVectors, type SentInput, type SentPart } from './dialects.ts';
import type { ServerModelSpec } from './spec.ts';

/** Options of `EmbeddingsModel`. */
export interface EmbeddingsModelOptions {
  readonly spec: ServerModelSpec;
  readonly client: InferenceClient;
  /** Maximum number of concurrent requests. */
  readonly inFlight: number;
}

/** Rates of the media in the inputs, and the form of their texts. */
export interface SendOptions {
  /** Pictures per second of videos. */
  readonly perSecond?: number;
  /** Sample rate of sound, in hertz. */
  readonly sampleRate?: number;
  /** True to send text through the server's chat template. */
  readonly chat?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A model behind `POST /v1/embeddings`. */
export class EmbeddingsModel {
  readonly #spec: ServerModelSpec;
  readonly #client: InferenceClient;
  readonly #inFlight: number;

  constructor({ spec, client, inFlight }: EmbeddingsModelOptions) {
    this.#spec = spec;
    this.#client = client;
    this.#inFlight = inFlight;
  }

  /**
   * Embeds inputs. Media are encoded just before their request is sent.
   * @returns one vector per input, in order: `DIMENSION` values of norm 1
   * @throws {InferenceServerUnavailable} if no server succeeds in time; may be retried later
   * @throws {ProtocolFault} if a response does not fit the bundle
   */
  async embed(inputs: readonly (readonly InputPart[])[], options: SendOptions = {}): Promise<Float32Array[]> {
    const { dialect, batch, model, dimension } = this.#spec;
    const { batchesMedia, request } = DIALECTS[dialect];
    const hasMedia = options.chat || inputs.some((parts) => parts.some(({ kind }) => kind !== 'text'));
    const limits = {
      batch: hasMedia && !batchesMedia ? 1 : batch,
      inFlight: this.#inFlight,
      signal: options.signal,
    };
    const vectors = new Array<Float32Array>(inputs.length);
    await runBatches(inputs, limits, async (own, from, signal) => {
      const sent = await Promise.all(own.map((parts) => sentInput(parts, options)));
      try {
        const answer = await this.#client.send({ ...request(model, sent, options.chat ?? false), signal });
        for (const [i, values] of readVectors(answer.body, { count: own.length, dimension }).entries()) {
          vectors[from + i] = encoderVector(values);
        }
      } catch (error) {
        throw this.#withModelName(error);
      }
    });
    return vectors;
  }

  /**
   * Checks that a server has the model, and that its vectors have the bundle's length.
   * @throws {ProtocolFault} if not
   */
  async check(): Promise<void> {
    const { model, dialect } = this.#spec;
    const answer = await this.#client.send({ method: 'GET', path: 'v1/models' });
    const { data } = parseJson(answer.body) as { data?: unknown };
    const names = Array.isArray(data) ? data.map((entry) => String((entry as { id?: unknown } | null)?.id)) : [];
    // llama.cpp has one model, and ignores its name.
    if (dialect !== 'llama.cpp' && names.length > 0 && !names.includes(model)) {
      throw new ProtocolFault(`The embeddings server has no model "${model}", but ${names.join(', ')}.`);
    }
    await this.embed([[{ kind: 'text', text: 'a' }]]);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Prefixes the model's name to the message of a `ProtocolFault`. */
  #withModelName(error: unknown): unknown {
    if (!(error instanceof ProtocolFault)) return error;
    return new ProtocolFault(`The model ${this.#spec.model} on the embeddings server: ${error.message}`);
  }
}

async function sentInput(parts: readonly InputPart[], options: SendOptions): Promise<SentInput> {
  return Promise.all(parts.map((part) => sentPart(part, options)));
}

async function sentPart(part: InputPart, { perSecond = 1, sampleRate = 16_000 }: SendOptions): Promise<SentPart> {
  if (part.kind === 'text') return part;
  if (part.kind === 'picture') return { kind: 'image', file: await encodeJpeg(part.picture) };
  if (part.kind === 'sound') return { kind: 'sound', file: wavFile(part.samples, sampleRate) };
  return { kind: 'video', files: await Promise.all(part.pictures.map(encodeJpeg)), perSecond };
}
