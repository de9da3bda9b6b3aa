import type { Device } from '../config.ts';
import type { Picture, PictureSize, SoundRate } from '../media/frames.ts';

/** Length of every vector that reelvec returns. */
export const DIMENSION = 512;

/** The pictures of one segment, sampled at the rate that the encoder asked for; at least one. */
export interface VisualClip {
  readonly startSec: number;
  readonly endSec: number;
  readonly pictures: readonly Picture[];
  /** Set for a picture by itself, as a query has it: how it would move is not known, rather than not at all. */
  readonly isStill?: boolean;
}

/** The sound of one segment: mono, −1 to 1, at the rate that the encoder asked for; may be shorter than the segment. */
export interface AudioClip {
  readonly startSec: number;
  readonly endSec: number;
  readonly samples: Float32Array;
}

/** What was said in one segment; never blank. */
export interface TextClip {
  readonly startSec: number;
  readonly endSec: number;
  readonly text: string;
}

/**
 * Turns clips into vectors. Deterministic: the same clips give the same float32 values in any process, whatever else
 * is in the same call.
 */
export interface Encoder<Clip> {
  /** Vectors compare only within one space. */
  readonly space: string;
  /**
   * @returns one vector per clip, in order: `DIMENSION` float32 values, finite, L2 norm 1.
   */
  encode(clips: readonly Clip[], options?: { signal?: AbortSignal }): Promise<Float32Array[]>;
  /** Releases models and connections. */
  close(): Promise<void>;
}

export interface VisualEncoder extends Encoder<VisualClip> {
  /** What the pictures must look like, and how many of them a second of film gives. */
  readonly pictures: PictureSize & { readonly perSecond: number };
}

export interface AudioEncoder extends Encoder<AudioClip>, SoundRate {}

export interface TextEncoder extends Encoder<TextClip> {
  /** How many tokens the model's own tokenizer makes of a text, before any is cut off; only where it has one. */
  readonly countTokens?: (text: string) => Promise<number>;
}

/** What is known of a bundle while none of its models is loaded. */
export interface BundleInfo {
  readonly name: string;
  /** Changes whenever vectors change; stored with every task. */
  readonly revision: string;
  /** One sentence each, printed at start. */
  readonly can: string;
  readonly cannot: string;
  /** Of the weights together, in short. */
  readonly licence: string;
  /** Resident memory of a worker that has all of its models loaded, in bytes, beside what a worker needs anyhow. */
  readonly memoryBytes: number;
  /** The space in which each option's vectors lie; an option that is not there is one that the bundle cannot serve. */
  readonly spaces: Readonly<Partial<Record<'visual' | 'audio' | 'transcription', string>>>;
  /** Whether it hears words in sound, where no text track has them. */
  readonly transcribesSpeech: boolean;
  /** Spaces in which a text can be looked for, of those above, in that order and each once. */
  readonly textQuerySpaces: readonly string[];
  /** Lengths to which vectors may be cut and normalised anew, ascending; the last is `DIMENSION`. */
  readonly dimensions: readonly number[];
}

/** What hears words where no text track says them. */
export interface Speech {
  readonly kind: 'whisper';
  /** Absolute path of the model, checked. */
  readonly file: () => Promise<string>;
  /** ISO 639-1, or `auto`. */
  readonly language: string;
  readonly device: Device;
  readonly threads: number;
}

/** The set of encoders that serves a model name. Models are loaded when they are first needed. */
export interface Bundle extends BundleInfo {
  readonly visual?: VisualEncoder;
  readonly audio?: AudioEncoder;
  readonly transcription?: TextEncoder;
  readonly speech?: Speech;
  /** Encoders of text queries, one for each of `textQuerySpaces`. A picture as a query is a clip of one picture. */
  readonly textQueries: readonly TextEncoder[];
}
