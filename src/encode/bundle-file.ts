import { z } from 'zod';
import { modelSource } from '../models/source.ts';
import { DIMENSION } from './encoder.ts';

/**
 * The format of a bundle's file: what serves each option, where its models come from, and how media become their
 * inputs. `docs/models.md` describes it for those who write one.
 */

/** `SOURCE/PATH`: a file of one of the bundle's sources. */
const fileRef = z.string().regex(/^[\w-]+\/.+$/, 'must be SOURCE/PATH, with a source of this bundle.');

/** How pictures become the input of a model. */
const pictures = z.strictObject({
  /** Pictures a second of film. */
  perSecond: z.number().positive().max(30),
  /** At the most, of one clip; evenly spread. */
  perClip: z.int().min(1).default(32),
  /** Pixels of the model's input. */
  width: z.int().min(1).max(2048),
  height: z.int().min(1).max(2048),
  /** `cover`: the shorter side is scaled to `shortestEdge` (default: the input's side), the middle is cut out. */
  fit: z.enum(['cover', 'stretch']),
  shortestEdge: z.int().min(1).max(4096).optional(),
  /** As Pillow does it, with antialiasing. */
  filter: z.enum(['bilinear', 'bicubic', 'lanczos']),
  /** Of red, green, blue, after the bytes were brought to 0 … 1. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  deviation: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
});
export type PicturesSpec = z.infer<typeof pictures>;

/** How sound becomes the input of a model. */
const sound = z.strictObject({
  /** Hertz. */
  sampleRate: z.int().min(8000).max(96_000),
  /** Length of the model's input; a longer clip becomes several windows. */
  windowSec: z.number().positive().max(60),
  /** What fills the window of a shorter clip: the clip again and again, as often as it fits whole, or silence. */
  fill: z.enum(['repeat', 'silence']),
  features: z.discriminatedUnion('kind', [
    /** Samples as they are: batch × samples. */
    z.strictObject({ kind: z.literal('waveform') }),
    /** Power spectra in mel bands, in decibels: batch × 1 × frames × bands. */
    z.strictObject({
      kind: z.literal('log-mel'),
      /** Samples of a Hann window, a power of two, and between two of them. */
      frame: z.int().min(64).max(8192),
      hop: z.int().min(1),
      bands: z.int().min(1).max(256),
      lowHz: z.number().min(0),
      highHz: z.number().positive(),
      /** How bands are spaced, and whether each has the same area (`slaney`) or the same height. */
      scale: z.enum(['slaney', 'htk']),
      area: z.enum(['slaney', 'none']),
    }),
  ]),
});
export type SoundSpec = z.infer<typeof sound>;

/** How text becomes the input of a model. */
const text = z.strictObject({
  /** A `tokenizer.json`, and its `tokenizer_config.json`. */
  tokenizer: fileRef,
  tokenizerConfig: fileRef,
  /** What goes before every text, such as "query: ". */
  prefix: z.string().default(''),
  /** Longer texts are cut, special tokens kept. */
  maxTokens: z.int().min(2).max(8192),
  /** `full`: every text is filled up to `maxTokens` with `padId`. `none`: only texts of one length share a batch. */
  padding: z.enum(['full', 'none']),
  padId: z.int().min(0).default(0),
  /** Names of the inputs; those that a model does not have are left out. `*` is the only one of a graph. */
  ids: z.string().default('input_ids'),
  mask: z.string().default('attention_mask'),
  types: z.string().default('token_type_ids'),
  integers: z.enum(['int64', 'int32']).default('int64'),
});
export type TextSpec = z.infer<typeof text>;

/** Who runs the model. */
const onnx = {
  kind: z.literal('onnx'),
  /** The graph; weights beside it are files of the same source. */
  file: fileRef,
  /**
   * Inputs in one run at the most. More than 1 only for graphs whose results for one input do not depend on the others:
   * those quantise nothing by what is in the batch, and sum over the last axis alone, because onnxruntime sums over
   * another in an order that depends on the batch and on threads.
   */
  batch: z.int().min(1).max(256).default(1),
  /** A second graph, of one input and one output, that brings what the first one gives to its space. */
  projection: fileRef.optional(),
};
const inferenceServer = {
  kind: z.literal('inference-server'),
  /** Name, and version where not the server's choice, of the model there. */
  model: z.string().min(1),
  version: z.string().optional(),
  /** Inputs in one request at the most. */
  batch: z.int().min(1).max(256).default(8),
};

/** How vectors come out of a model. */
const output = z.strictObject({
  /** `*` is the only output of a graph that has one. Of the first graph, where a second one projects it. */
  name: z.string().min(1).default('*'),
  /** How a vector for each token becomes one; `none` where the model gives one vector already. */
  pooling: z.enum(['none', 'mean', 'first', 'last']).default('none'),
  /** Length of the vectors. Longer ones are cut, so the model must be trained for prefixes. */
  dimension: z.int().min(DIMENSION).default(DIMENSION),
});
export type OutputSpec = z.infer<typeof output>;

/** Everything of an encoder but how its input is made. */
const common = {
  /** Encoders of one space, of whatever kind, give vectors that compare. */
  space: z.string().min(1),
  output,
};
/** The built-in encoder of the option. */
const signal = z.strictObject({ kind: z.literal('signal') });

/** `input` is the name of the model's one input; `*` is the only one of a graph. */
const input = { input: z.string().min(1).default('*') };

const visual = z.discriminatedUnion('kind', [
  signal,
  z.strictObject({ ...onnx, ...common, ...input, pictures }),
  z.strictObject({ ...inferenceServer, ...common, ...input, pictures }),
]);
const audio = z.discriminatedUnion('kind', [
  signal,
  z.strictObject({ ...onnx, ...common, ...input, sound }),
  z.strictObject({ ...inferenceServer, ...common, ...input, sound }),
]);
const textual = z.discriminatedUnion('kind', [
  signal,
  z.strictObject({ ...onnx, ...common, text }),
  z.strictObject({ ...inferenceServer, ...common, text }),
]);
export type VisualSpec = z.infer<typeof visual>;
export type AudioSpec = z.infer<typeof audio>;
export type TextualSpec = z.infer<typeof textual>;
/** Who runs a model: what is left of an encoder's part without its inputs and outputs. */
export type RunSpec =
  | z.infer<z.ZodObject<typeof onnx, z.core.$strict>>
  | z.infer<z.ZodObject<typeof inferenceServer, z.core.$strict>>;

/** What hears words where no text track says them. */
const speech = z.strictObject({
  kind: z.literal('whisper'),
  /** A ggml file of whisper.cpp. */
  file: fileRef,
  /** ISO 639-1, or `auto`. */
  language: z.string().default('auto'),
});
export type SpeechSpec = z.infer<typeof speech>;

export const bundleFile = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a name of lower-case letters, digits and "-".'),
    /** Changes whenever vectors change. */
    revision: z.string().regex(/^[\w.-]{1,32}$/),
    /** One sentence each. */
    can: z.string().min(1),
    cannot: z.string().min(1),
    /** Of the weights together, in short. */
    licence: z.string().min(1),
    expect: z.strictObject({
      /** Resident memory of one worker that has all models loaded. */
      memoryMb: z.int().min(0),
      /** A sentence, with the machine. */
      speed: z.string().min(1),
    }),
    /** Lengths that vectors may be cut to; the last is 512. */
    dimensions: z.array(z.int().min(1)).default([DIMENSION]),
    sources: z.record(z.string().regex(/^[\w-]+$/), modelSource).default({}),
    /** An option that is left out is one that this bundle cannot serve. */
    visual: visual.optional(),
    audio: audio.optional(),
    transcription: textual.optional(),
    /** One encoder of text for each space that can be searched by words. */
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
      fault(['speech'], 'needs an encoder "transcription" for what it hears.');
    for (const { path, ref } of fileRefs(bundle)) {
      const [source, file] = splitRef(ref);
      if (!bundle.sources[source]?.files[file]) fault(path, `names ${ref}, which is no file of this bundle's sources.`);
    }
    const spaces = new Set(Object.values(spacesOf(bundle)));
    const queried = new Set<string>();
    for (const [i, query] of bundle.textQueries.entries()) {
      const space = spaceOf(query, 'transcription');
      if (!spaces.has(space)) fault(['textQueries', i], `no option lies in space ${space}.`);
      if (queried.has(space)) fault(['textQueries', i], `space ${space} has a text query already.`);
      queried.add(space);
    }
  });
export type BundleFile = z.infer<typeof bundleFile>;

/** The source's name and the file's path in it. */
export function splitRef(ref: string): [source: string, path: string] {
  const slash = ref.indexOf('/');
  return [ref.slice(0, slash), ref.slice(slash + 1)];
}

/** The space of each option that the bundle serves. */
export function spacesOf({ visual, audio, transcription }: Parts): Partial<Record<Option, string>> {
  return {
    ...(visual && { visual: spaceOf(visual, 'visual') }),
    ...(audio && { audio: spaceOf(audio, 'audio') }),
    ...(transcription && { transcription: spaceOf(transcription, 'transcription') }),
  };
}

export function spaceOf(part: VisualSpec | AudioSpec | TextualSpec, option: Option): string {
  return part.kind === 'signal' ? `signal/${option}` : part.space;
}

type Option = 'visual' | 'audio' | 'transcription';

interface Parts {
  readonly visual?: VisualSpec | undefined;
  readonly audio?: AudioSpec | undefined;
  readonly transcription?: TextualSpec | undefined;
  readonly textQueries?: readonly TextualSpec[];
  readonly speech?: SpeechSpec | undefined;
}

function fileRefs(bundle: Parts): { path: (string | number)[]; ref: string }[] {
  const found: { path: (string | number)[]; ref: string }[] = [];
  const collect = (path: (string | number)[], part: VisualSpec | AudioSpec | TextualSpec | undefined) => {
    if (!part || part.kind === 'signal') return;
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
