import { ModelStore } from '../models/store.ts';
import { type BundleFile, type RunSpec, splitRef, type TextualSpec } from './bundle-file.ts';
import { infoOf } from './bundle-info.ts';
import type { AudioEncoder, Bundle, JointEncoder, TextEncoder, VisualEncoder } from './encoder.ts';
import { InferenceServerModel } from './inference-server/model.ts';
import { HEALTH_PATH } from './inference-server/protocol.ts';
import { MultimodalModel } from './multimodal/model.ts';
import { OnnxModel } from './onnx/model.ts';
import { ProjectedModel } from './onnx/projected.ts';
import { HEALTH_PATH as EMBEDDINGS_HEALTH_PATH } from './openai-embeddings/dialects.ts';
import { jointOnServer, picturesOnServer, soundOnServer, textsOnServer } from './openai-embeddings/encoders.ts';
import { EmbeddingsModel } from './openai-embeddings/model.ts';
import type { ServerModelSpec } from './openai-embeddings/spec.ts';
import { InferenceClient } from './remote/client.ts';
import type { EncodeSettings } from './settings.ts';
import { createSignalBundle } from './signal/bundle.ts';
import { pictureEncoder } from './tensors/pictures.ts';
import { soundEncoder } from './tensors/sound.ts';
import type { TensorModel } from './tensors/tensor.ts';
import { modelTextEncoder } from './tensors/text.ts';
import { TextTokens } from './tensors/tokens.ts';

/** Creates the encoders of a bundle file. Files are read and models loaded on first use. */
export function createModelBundle(file: BundleFile, settings: EncodeSettings): Bundle {
  const factory = new EncoderFactory(file, settings);
  const { visual, audio, transcription, textQueries, speech } = file;
  return {
    ...infoOf(file),
    ...(visual && { visual: factory.visual(visual) }),
    ...(audio && { audio: factory.audio(audio) }),
    ...(transcription && { transcription: factory.text(transcription, 'document') }),
    ...(speech && {
      speech: {
        kind: speech.kind,
        language: speech.language,
        file: () => factory.verifiedPath(speech.file),
        device: settings.speechDevice,
        threads: settings.threads,
      },
    }),
    textQueries: textQueries.map((query) => factory.text(query, 'query')),
    ...jointOf(file, factory),
  };
}

/** Encoder of queries of several parts, if the bundle has one. */
function jointOf({ visual, audio, textQueries }: BundleFile, factory: EncoderFactory): { joint?: JointEncoder } {
  if (visual?.kind === 'multimodal') return { joint: factory.multimodal(visual.model).joint() };
  if (visual?.kind !== 'openai-embeddings' || !visual.joint) return {};
  const query = textQueries.find((part) => part.kind === 'openai-embeddings' && part.space === visual.space);
  const prefix = query?.kind === 'openai-embeddings' ? query.text.prefix : '';
  const sampleRate = audio?.kind === 'openai-embeddings' ? audio.sound.sampleRate : undefined;
  return { joint: jointOnServer({ ...visual, prefix, sampleRate, model: factory.onServer(visual) }) };
}

/** Creates the encoders of one bundle. Encoders with the same model share one instance. */
class EncoderFactory {
  readonly #file: BundleFile;
  readonly #settings: EncodeSettings;
  readonly #store: ModelStore;
  readonly #signal = createSignalBundle();
  readonly #models = new Map<string, TensorModel>();
  readonly #multimodal = new Map<string, MultimodalModel>();
  /** Shared by all models, so that they share the health state of the servers. */
  #client: InferenceClient | undefined;
  /** The same for models of embeddings servers, whose health check is another. */
  #embeddingsClient: InferenceClient | undefined;

  constructor(file: BundleFile, settings: EncodeSettings) {
    this.#file = file;
    this.#settings = settings;
    this.#store = new ModelStore(settings.modelsDir);
  }

  visual(spec: NonNullable<BundleFile['visual']>): VisualEncoder {
    if (spec.kind === 'multimodal') return this.multimodal(spec.model).visual();
    if (spec.kind === 'openai-embeddings') return picturesOnServer({ ...spec, model: this.onServer(spec) });
    return spec.kind === 'signal' ? this.#signal.visual : pictureEncoder({ ...spec, model: this.#model(spec) });
  }

  audio(spec: NonNullable<BundleFile['audio']>): AudioEncoder {
    if (spec.kind === 'multimodal') return this.multimodal(spec.model).audio();
    if (spec.kind === 'openai-embeddings') return soundOnServer({ ...spec, model: this.onServer(spec) });
    return spec.kind === 'signal' ? this.#signal.audio : soundEncoder({ ...spec, model: this.#model(spec) });
  }

  /** @param use text of a multimodal model has a prefix for each use; others name their own */
  text(spec: TextualSpec, use: 'query' | 'document'): TextEncoder {
    if (spec.kind === 'signal') return this.#signal.transcription;
    if (spec.kind === 'multimodal') return this.multimodal(spec.model).textual(use);
    if (spec.kind === 'openai-embeddings') return textsOnServer({ ...spec, model: this.onServer(spec) });
    return modelTextEncoder({ ...spec, model: this.#model(spec), tokens: this.#tokens(spec.text) });
  }

  /** One of the bundle's multimodal models, which the options and queries share. */
  multimodal(name: string): MultimodalModel {
    const found = this.#multimodal.get(name);
    if (found) return found;
    const spec = this.#file.models![name]!;
    const { file, text, pictures, sound } = spec;
    const model = new MultimodalModel({
      spec,
      tokens: this.#tokens(text),
      text: this.#graph(file, 1),
      pictures: pictures && this.#graph(pictures.file, pictures.batch),
      sound: sound && this.#graph(sound.file, 1),
    });
    this.#multimodal.set(name, model);
    return model;
  }

  /** A model of an embeddings server. */
  onServer(spec: ServerModelSpec): EmbeddingsModel {
    const { inference } = this.#settings;
    this.#embeddingsClient ??= new InferenceClient({ ...inference, healthPath: EMBEDDINGS_HEALTH_PATH });
    return new EmbeddingsModel({ spec, client: this.#embeddingsClient, inFlight: inference.inFlight });
  }

  /** Path of a file, after its checksum was verified. */
  async verifiedPath(ref: string): Promise<string> {
    const [name, path] = splitRef(ref);
    return this.#store.verifiedPath({ source: this.#file.sources[name]!, path });
  }

  #tokens(text: { tokenizer: string; tokenizerConfig: string; maxTokens: number }): TextTokens {
    const { tokenizer, tokenizerConfig, maxTokens } = text;
    const files = async () => [await this.verifiedPath(tokenizer), await this.verifiedPath(tokenizerConfig)] as const;
    return new TextTokens({ files, maxTokens });
  }

  #model(spec: RunSpec): TensorModel {
    const key = JSON.stringify(
      spec.kind === 'onnx' ? [spec.file, spec.projection, spec.batch] : [spec.model, spec.version, spec.batch],
    );
    const model = this.#models.get(key) ?? this.#openModel(spec);
    this.#models.set(key, model);
    return model;
  }

  #openModel(spec: RunSpec): TensorModel {
    if (spec.kind === 'inference-server') {
      const { inFlight } = this.#settings.inference;
      this.#client ??= new InferenceClient({ ...this.#settings.inference, healthPath: HEALTH_PATH });
      return new InferenceServerModel({ ...spec, client: this.#client, inFlight });
    }
    const model = this.#graph(spec.file, spec.batch);
    if (!spec.projection) return model;
    return new ProjectedModel({ model, projection: this.#graph(spec.projection, spec.batch) });
  }

  #graph(ref: string, batch: number): OnnxModel {
    return new OnnxModel({
      file: async () => {
        // onnxruntime loads external weights (`GRAPH_data*`) by itself, so their checksums are verified first.
        const [name, path] = splitRef(ref);
        const beside = Object.keys(this.#file.sources[name]!.files).filter((other) => other.startsWith(`${path}_data`));
        for (const other of beside) await this.verifiedPath(`${name}/${other}`);
        return this.verifiedPath(ref);
      },
      batch,
      ...this.#settings,
    });
  }
}
