import { ModelStore } from '../models/store.ts';
import { type BundleFile, type RunSpec, splitRef, type TextualSpec } from './bundle-file.ts';
import { infoOf } from './bundle-info.ts';
import type { AudioEncoder, Bundle, TextEncoder, VisualEncoder } from './encoder.ts';
import { InferenceClient } from './inference-server/client.ts';
import { InferenceServerModel } from './inference-server/model.ts';
import { OnnxModel } from './onnx/model.ts';
import { ProjectedModel } from './onnx/projected.ts';
import type { EncodeSettings } from './settings.ts';
import { createSignalBundle } from './signal/bundle.ts';
import { pictureEncoder } from './tensors/pictures.ts';
import { soundEncoder } from './tensors/sound.ts';
import type { TensorModel } from './tensors/tensor.ts';
import { modelTextEncoder } from './tensors/text.ts';
import { TextTokens } from './tensors/tokens.ts';

/** The encoders that a bundle's file describes. Nothing is read or loaded before it is needed. */
export function createModelBundle(file: BundleFile, settings: EncodeSettings): Bundle {
  const parts = new Parts(file, settings);
  const { visual, audio, transcription, textQueries, speech } = file;
  return {
    ...infoOf(file),
    ...(visual && { visual: parts.visual(visual) }),
    ...(audio && { audio: parts.audio(audio) }),
    ...(transcription && { transcription: parts.text(transcription) }),
    ...(speech && {
      speech: {
        kind: speech.kind,
        language: speech.language,
        file: () => parts.verifiedPath(speech.file),
        device: settings.speechDevice,
        threads: settings.threads,
      },
    }),
    textQueries: textQueries.map((query) => parts.text(query)),
  };
}

/** Makes the encoders of one bundle; those that name the same model share it. */
class Parts {
  readonly #file: BundleFile;
  readonly #settings: EncodeSettings;
  readonly #store: ModelStore;
  readonly #signal = createSignalBundle();
  readonly #models = new Map<string, TensorModel>();
  /** One for all models: what one of them finds out of a server holds for the others too. */
  #client: InferenceClient | undefined;

  constructor(file: BundleFile, settings: EncodeSettings) {
    this.#file = file;
    this.#settings = settings;
    this.#store = new ModelStore(settings.modelsDir);
  }

  visual(spec: NonNullable<BundleFile['visual']>): VisualEncoder {
    return spec.kind === 'signal' ? this.#signal.visual : pictureEncoder({ ...spec, model: this.#model(spec) });
  }

  audio(spec: NonNullable<BundleFile['audio']>): AudioEncoder {
    return spec.kind === 'signal' ? this.#signal.audio : soundEncoder({ ...spec, model: this.#model(spec) });
  }

  text(spec: TextualSpec): TextEncoder {
    if (spec.kind === 'signal') return this.#signal.transcription;
    const { tokenizer, tokenizerConfig, maxTokens } = spec.text;
    const files = async () => [await this.verifiedPath(tokenizer), await this.verifiedPath(tokenizerConfig)] as const;
    return modelTextEncoder({ ...spec, model: this.#model(spec), tokens: new TextTokens({ files, maxTokens }) });
  }

  /** The path of a file, after its content was checked. */
  async verifiedPath(ref: string): Promise<string> {
    const [name, path] = splitRef(ref);
    return this.#store.verifiedPath({ source: this.#file.sources[name]!, path });
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
      this.#client ??= new InferenceClient(this.#settings.inference);
      return new InferenceServerModel({ ...spec, client: this.#client, inFlight });
    }
    const model = this.#graph(spec.file, spec.batch);
    if (!spec.projection) return model;
    return new ProjectedModel({ model, projection: this.#graph(spec.projection, spec.batch) });
  }

  #graph(ref: string, batch: number): OnnxModel {
    return new OnnxModel({
      file: async () => {
        // Weights may lie beside the graph, which loads them by itself: they are checked first.
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
