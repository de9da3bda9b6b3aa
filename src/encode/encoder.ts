import type { Device } from '../config.ts';
import type { Option } from '../domain/option.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { InputPart, Picture, PictureFormat, SoundRate } from '../media/frames.ts';

/** Length of every vector that reelvec returns. */
export const DIMENSION = 512;

/** Pictures of one segment, at least one, sampled at the encoder's rate. */
export interface VisualClip extends TimeRange {
  readonly pictures: readonly Picture[];
  /** True for a single picture without a film, such as a query: its motion is unknown rather than zero. */
  readonly isStill?: boolean;
}

/** Sound of one segment: mono, −1 to 1, at the encoder's sample rate. May be shorter than the segment. */
export interface AudioClip extends TimeRange {
  readonly samples: Float32Array;
}

/** Spoken text of one segment; never blank. */
export interface TextClip extends TimeRange {
  readonly text: string;
}

/**
 * Turns clips into vectors. Deterministic: a clip gives the same float32 values in any process, independent of the
 * other clips in the call.
 */
export interface Encoder<Clip> {
  /** Name of the vector space. Only vectors of the same space are comparable. */
  readonly space: string;
  /**
   * Encodes clips.
   * @returns one vector per clip, in order: `DIMENSION` float32 values, finite, L2 norm 1
   * @throws the signal's reason
   */
  encode(clips: readonly Clip[], options?: { signal?: AbortSignal }): Promise<Float32Array[]>;
  /** Releases models and connections. */
  close(): Promise<void>;
}

/** Encodes pictures of the size and rate that it declares. */
export interface VisualEncoder extends Encoder<VisualClip> {
  /** Size and scaling of the input pictures, and their number per second of film. */
  readonly pictures: PictureFormat & { readonly perSecond: number };
}

/** Encodes sound at the sample rate that it declares. */
export interface AudioEncoder extends Encoder<AudioClip>, SoundRate {}

/**
 * Encodes inputs of several parts in one pass of a model, which relates the parts to each other. The vector of a picture
 * or sound alone is comparable with those of the bundle's options, which lie in the same space.
 */
export interface JointEncoder {
  readonly space: string;
  /** Size and scaling of the pictures of an input. Those of a video have the format of the visual encoder. */
  readonly pictures: PictureFormat;
  /**
   * Encodes an input. The order of its parts matters. Sound longer than the model takes is cut off.
   * @param input at least one part
   * @returns `DIMENSION` float32 values, finite, L2 norm 1
   * @throws {ReelvecError} `parameter_invalid` if the parts together have more tokens than the model takes
   * @throws the signal's reason
   */
  encode(input: readonly InputPart[], options?: { signal?: AbortSignal }): Promise<Float32Array>;
  /** Releases models and connections. */
  close(): Promise<void>;
}

/** Encodes text: transcripts and queries. */
export interface TextEncoder extends Encoder<TextClip> {
  /** Counts the tokens of a text before truncation. Absent for encoders without a tokenizer. */
  readonly countTokens?: (text: string) => Promise<number>;
}

/** Description of a bundle; available without loading its models. */
export interface BundleInfo {
  readonly name: string;
  /** Changes with every change of the vectors. Stored with every task. */
  readonly revision: string;
  /** Capabilities, in one sentence. Printed at startup. */
  readonly can: string;
  /** Limitations, in one sentence. Printed at startup. */
  readonly cannot: string;
  /** Short summary of the licences of all weights. */
  readonly licence: string;
  /** Additional resident memory of a worker with all models loaded, in bytes. */
  readonly memoryBytes: number;
  /** Vector space per option. The bundle does not support an option without an entry. */
  readonly spaces: Readonly<Partial<Record<Option, string>>>;
  /** True if the bundle has a speech model, which transcribes media without a text track. */
  readonly transcribesSpeech: boolean;
  /** Spaces of `spaces` that accept text queries, in the same order, without duplicates. */
  readonly textQuerySpaces: readonly string[];
  /** True if the bundle encodes a query of several parts in one pass; otherwise its vector is the mean of theirs. */
  readonly takesJointInput: boolean;
  /** Supported vector lengths, ascending; the last is `DIMENSION`. Shorter vectors are normalised prefixes. */
  readonly dimensions: readonly number[];
}

/** Speech model that transcribes media without a text track. */
export interface Speech {
  readonly kind: 'whisper';
  /** Resolves to the absolute path of the model, after its checksum was verified. */
  readonly file: () => Promise<string>;
  /** ISO 639-1, or `auto`. */
  readonly language: string;
  readonly device: Device;
  readonly threads: number;
}

/** The set of encoders that serves a model name. Models are loaded on first use. */
export interface Bundle extends BundleInfo {
  readonly visual?: VisualEncoder;
  readonly audio?: AudioEncoder;
  readonly transcription?: TextEncoder;
  readonly speech?: Speech;
  /** Encoders of text queries, one per entry of `textQuerySpaces`. */
  readonly textQueries: readonly TextEncoder[];
  /** Encoder of queries with media, in the space of `visual`. Without it, such a part is a clip of its option. */
  readonly joint?: JointEncoder;
}
