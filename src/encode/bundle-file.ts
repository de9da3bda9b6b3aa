import { z } from 'zod';
import type { Option } from '../domain/option.ts';
import { modelSource } from '../models/source.ts';
import { DIMENSION } from './encoder.ts';
import { type MultimodalSpec, multimodalModel } from './multimodal/spec.ts';
import { audioOnServer, textOnServer, visualOnServer } from './openai-embeddings/spec.ts';
import { fileRef, output } from './spec-fields.ts';
import { pictures, sound, text } from './tensors/spec.ts';

/**
 * Format of a bundle file: the encoder of each option, the sources of its models, and the preprocessing of media.
 * `docs/models.md` documents it for authors of bundles.
 */

/** Model that onnxruntime runs in the worker. */
const onnx = {
  kind: z.literal('onnx'),
  /** The graph. External weights must be files of the same source. */
  file: fileRef,
  /**
   * Maximum number of inputs per run. Use more than 1 only for graphs whose result for one input is independent of the
   * rest of the batch: no quantisation over the batch, and sums over the last axis only. The order in which onnxruntime
   * sums over other axes depends on the batch size and the number of threads.
   */
  batch: z.int().min(1).max(256).default(1),
  /** Second graph, with one input and one output, that projects the output of the first into the space. */
  projection: fileRef.optional(),
};
/** Model that an inference server runs. */
const inferenceServer = {
  kind: z.literal('inference-server'),
  /** Name of the model on the server. */
  model: z.string().min(1),
  /** Version of the model. Default: the server's choice. */
  version: z.string().optional(),
  /** Maximum number of inputs per request. */
  batch: z.int().min(1).max(256).default(8),
};

/** Fields of every encoder with a model. */
const common = {
  /** Name of the vector space. Vectors of encoders with the same space are comparable. */
  space: z.string().min(1),
  output,
};
/** The built-in encoder of an option. */
const signal = z.strictObject({ kind: z.literal('signal') });
/** An option that a multimodal model of the bundle serves. */
const multimodal = z.strictObject({
  kind: z.literal('multimodal'),
  /** Name in `models`. */
  model: z.string().min(1),
});

/** Name of the input that receives pictures or sound; `*` stands for the model's only input. */
const input = { input: z.string().min(1).default('*') };

const visual = z.discriminatedUnion('kind', [
  signal,
  multimodal,
  z.strictObject({ ...onnx, ...common, ...input, pictures }),
  z.strictObject({ ...inferenceServer, ...common, ...input, pictures }),
  visualOnServer,
]);
const audio = z.discriminatedUnion('kind', [
  signal,
  multimodal,
  z.strictObject({ ...onnx, ...common, ...input, sound }),
  z.strictObject({ ...inferenceServer, ...common, ...input, sound }),
  audioOnServer,
]);
const textual = z.discriminatedUnion('kind', [
  signal,
  multimodal,
  z.strictObject({ ...onnx, ...common, text }),
  z.strictObject({ ...inferenceServer, ...common, text }),
  textOnServer,
]);
/** Visual encoder of a bundle file. */
export type VisualSpec = z.infer<typeof visual>;
/** Audio encoder of a bundle file. */
export type AudioSpec = z.infer<typeof audio>;
/** Text encoder of a bundle file, for transcripts or queries. */
export type TextualSpec = z.infer<typeof textual>;
/** Runtime of a model: the fields of an encoder without its inputs and outputs. */
export type RunSpec =
  | z.infer<z.ZodObject<typeof onnx, z.core.$strict>>
  | z.infer<z.ZodObject<typeof inferenceServer, z.core.$strict>>;

/** Speech model that transcribes media without a text track. */
const speech = z.strictObject({
  kind: z.literal('whisper'),
  /** Model file for whisper.cpp, in ggml format. */
  file: fileRef,
  /** ISO 639-1 code of the spoken language, or `auto`. */
  language: z.string().default('auto'),
});
/** Speech model of a bundle file. */
type SpeechSpec = z.infer<typeof speech>;

/** Schema of a bundle file. */
export const bundleFile = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a name of lower-case letters, digits and "-".'),
    /** Must change with every change of the vectors. */
    revision: z.string().regex(/^[\w.-]{1,32}$/),
    /** Capabilities, in one sentence. */
    can: z.string().min(1),
    /** Limitations, in one sentence. */
    cannot: z.string().min(1),
    /** Short summary of the licences of all weights. */
    licence: z.string().min(1),
    expect: z.strictObject({
      /** Resident memory of one worker with all models loaded, in MiB. */
      memoryMb: z.int().min(0),
      /** Expected speed, in one sentence that names the machine. */
      speed: z.string().min(1),
      /**
       * Work on the processor per hour of film with all options: the teraflop of float32 matrix products that take as long.
       * For the estimate of `models list`.
       */
      teraflopPerHour: z.number().positive().optional(),
    }),
    /** Supported vector lengths, ascending; the last is 512. */
    dimensions: z.array(z.int().min(1)).default([DIMENSION]),
    sources: z.record(z.string().regex(/^[\w-]+$/), modelSource).default({}),
    /** Multimodal models by name. Without a default: the revisions of custom bundles hash the parsed file. */
    models: z.record(z.string().regex(/^[\w-]+$/), multimodalModel).optional(),
    /** Encoder per option. The bundle does not support an option without an encoder. */
    visual: visual.optional(),
    audio: audio.optional(),
    transcription: textual.optional(),
    /** Text encoders for queries, at most one per space. */
    textQueries: z.array(textual).default([]),
    speech: speech.optional(),
  })
  .superRefine((bundle, context) => {
    const fault = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message: message });
    if (!bundle.visual && !bundle.audio && !bundle.transcription) fault([], 'has no encoder at all.');
    if (bundle.dimensions.at(-1) !== DIMENSION || bundle.dimensions.some((d, i, all) => i > 0 && d <= all[i - 1]!))
      fault(['dimensions'], `must ascend and end with ${DIMENSION}.`);
    if (bundle.speech && !bundle.transcription)
      fault(['speech'], 'needs an encoder "transcription" for the transcribed text.');
    for (const { path, ref } of fileRefs(bundle)) {
      const [source, file] = splitRef(ref);
      if (!bundle.sources[source]?.files[file]) fault(path, `names ${ref}, which is no file of this bundle's sources.`);
    }
    for (const { path, message } of modelFaults(bundle)) fault(path, message);
    const spaces = new Set(Object.values(spacesOf(bundle)));
    const queried = new Set<string>();
    for (const [i, query] of bundle.textQueries.entries()) {
      const space = spaceOf(query, 'transcription', bundle.models);
      if (!spaces.has(space)) fault(['textQueries', i], `no option lies in space ${space}.`);
      if (queried.has(space)) fault(['textQueries', i], `space ${space} has a text query already.`);
      queried.add(space);
    }
  });
/** A validated bundle file, with defaults filled in. */
export type BundleFile = z.infer<typeof bundleFile>;

/** Splits a `SOURCE/PATH` reference. */
export function splitRef(ref: string): [source: string, path: string] {
  const slash = ref.indexOf('/');
  return [ref.slice(0, slash), ref.slice(slash + 1)];
}

/** Vector space of each supported option. */
export function spacesOf({ visual, audio, transcription, models }: Parts): Partial<Record<Option, string>> {
  return {
    ...(visual && { visual: spaceOf(visual, 'visual', models) }),
    ...(audio && { audio: spaceOf(audio, 'audio', models) }),
    ...(transcription && { transcription: spaceOf(transcription, 'transcription', models) }),
  };
}

/** Vector space of an encoder; `signal/OPTION` for the built-in ones. */
export function spaceOf(part: VisualSpec | AudioSpec | TextualSpec, option: Option, models: Parts['models']): string {
  if (part.kind === 'signal') return `signal/${option}`;
  // An unknown model is a fault that `modelFaults` reports.
  return part.kind === 'multimodal' ? (models?.[part.model]?.space ?? '') : part.space;
}

interface Parts {
  readonly models?: Readonly<Record<string, MultimodalSpec>> | undefined;
  readonly visual?: VisualSpec | undefined;
  readonly audio?: AudioSpec | undefined;
  readonly transcription?: TextualSpec | undefined;
  readonly textQueries?: readonly TextualSpec[];
  readonly speech?: SpeechSpec | undefined;
}

/** Uses of multimodal models that the bundle does not have, or that lack the encoder for an option. */
function modelFaults(bundle: Parts): { path: (string | number)[]; message: string }[] {
  const { visual, audio, transcription, textQueries = [], models = {} } = bundle;
  const uses = [
    { path: ['visual'], part: visual, needs: 'pictures' as const },
    { path: ['audio'], part: audio, needs: 'sound' as const },
    { path: ['transcription'], part: transcription, needs: undefined },
    ...textQueries.map((part, i) => ({ path: ['textQueries', i], part, needs: undefined })),
  ];
  return uses.flatMap(({ path, part, needs }) => {
    if (part?.kind !== 'multimodal') return [];
    const model = models[part.model];
    const at = [...path, 'model'];
    if (!model) return [{ path: at, message: `names ${part.model}, which is no model of this bundle's "models".` }];
    if (needs === undefined || model[needs]) return [];
    return [{ path: at, message: `names ${part.model}, which has no "${needs}".` }];
  });
}

/** All file references of a bundle, with their JSON paths for error messages. */
function fileRefs(bundle: Parts): { path: (string | number)[]; ref: string }[] {
  const found: { path: (string | number)[]; ref: string }[] = [];
  for (const [name, { file, text, pictures, sound }] of Object.entries(bundle.models ?? {})) {
    const path = ['models', name];
    found.push({ path: [...path, 'file'], ref: file });
    found.push({ path: [...path, 'text', 'tokenizer'], ref: text.tokenizer });
    found.push({ path: [...path, 'text', 'tokenizerConfig'], ref: text.tokenizerConfig });
    if (pictures) found.push({ path: [...path, 'pictures', 'file'], ref: pictures.file });
    if (sound) found.push({ path: [...path, 'sound', 'file'], ref: sound.file });
  }
  const collect = (path: (string | number)[], part: VisualSpec | AudioSpec | TextualSpec | undefined) => {
    if (!part || part.kind === 'signal' || part.kind === 'multimodal' || part.kind === 'openai-embeddings') return;
    if (part.kind === 'onnx') {
      found.push({ path: [...path, 'file'], ref: part.file });
      if (part.projection) found.push({ path: [...path, 'projection'], ref: part.projection });
    }
    if (!('text' in part)) return;
    found.push({ path: [...path, 'text', 'tokenizer'], ref: part.text.tokenizer });
    found.push({ path: [...path, 'text', 'tokenizerConfig'], ref: part.text.tokenizerConfig });
  };
  collect(['visual'], bundle.visual);
  collect(['audio'], bundle.audio);
  collect(['transcription'], bundle.transcription);
  bundle.textQueries?.forEach((query, i) => {
    collect(['textQueries', i], query);
  });
  if (bundle.speech) found.push({ path: ['speech', 'file'], ref: bundle.speech.file });
  return found;
}
