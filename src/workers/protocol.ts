import type { Device } from '../config.ts';
import type { ErrorDetails } from '../errors.ts';
import type { Picture, TimeRange } from '../media/frames.ts';
import type { ClockMap, ImageInfo, MediaInfo, StillPicture } from '../media/info.ts';

/** What a media worker can be asked to do. */
export type Job =
  | { readonly kind: 'probe'; readonly path: string }
  | { readonly kind: 'shots'; readonly path: string; readonly withTrace?: boolean }
  | ({ readonly kind: 'embed' } & EmbedJob)
  /** Settles what runs models. */
  | { readonly kind: 'device'; readonly device: Device }
  | { readonly kind: 'picture'; readonly path: string }
  /** Looks at an image. */
  | { readonly kind: 'image'; readonly path: string }
  /** Makes a picture that stands for a film. */
  | { readonly kind: 'thumbnail'; readonly path: string; readonly media: MediaInfo }
  | ({ readonly kind: 'query' } & QueryJob);

/** One chunk of one task. */
export interface EmbedJob {
  readonly path: string;
  /** Seconds from the start of the file; both ends lie on segment edges. */
  readonly range: TimeRange;
  /** What the probe found of timestamps that start over. */
  readonly clock?: ClockMap;
  readonly segmentation:
    | { readonly strategy: 'fixed'; readonly durationSec: number }
    | { readonly strategy: 'dynamic'; readonly minDurationSec: number; readonly maxDurationSec: number };
  readonly options: readonly ('visual' | 'audio' | 'transcription')[];
  /** The words of the transcription are heard in the sound; else they are read from the text track. */
  readonly listens?: boolean;
}

/** What something is looked for by. Pictures come decoded: whoever encodes touches no file of a client. */
export interface QueryJob {
  readonly text?: string;
  /** Spaces to put the text into, of the bundle's `textQuerySpaces`. */
  readonly spaces: readonly string[];
  readonly pictures: readonly Picture[];
}

/** What comes back, by the kind of the job. */
export interface Results {
  readonly probe: MediaInfo;
  readonly shots: ShotList;
  readonly embed: EmbeddedChunk;
  readonly device: Exclude<Device, 'auto'>;
  readonly picture: StillPicture;
  /** With a small copy, as a JPEG file. */
  readonly image: { readonly image: ImageInfo; readonly thumbnail: Uint8Array };
  /** A JPEG file. */
  readonly thumbnail: Uint8Array;
  readonly query: QueryVectors;
}

/** What was found in a chunk. A segment that an option has nothing to say of has `undefined` in its place. */
export interface EmbeddedChunk {
  readonly segments: readonly TimeRange[];
  /** For each option asked for, one vector per segment. */
  readonly vectors: Readonly<
    Partial<Record<'visual' | 'audio' | 'transcription', readonly (Float32Array | undefined)[]>>
  >;
  /** Places where something could not be decoded. */
  readonly damages: number;
  /** Stretches of the chunk in which a track is damaged: left out, patched up, or predicted from such pictures. */
  readonly damaged: { readonly visual?: readonly TimeRange[]; readonly audio?: readonly TimeRange[] };
  /** Seconds of the chunk for which a track that was read has nothing: cut off, damaged, or shorter than the others. */
  readonly missingSec: { readonly visual?: number; readonly audio?: number };
}

/** Vectors of L2 norm 1. */
export interface QueryVectors {
  /** Of the text, one for each space asked for. */
  readonly texts: readonly Float32Array[];
  /** One for each picture, in the space of the bundle's visual vectors. */
  readonly pictures: readonly Float32Array[];
}

export interface ShotList {
  /** Average, frames per second. */
  readonly frameRate: number;
  readonly frameCount: number;
  readonly durationSec: number;
  readonly shots: readonly {
    /** 0-based, counting every decoded frame. */
    readonly startFrame: number;
    readonly startSec: number;
    readonly endSec: number;
    /** How the shot begins. */
    readonly transition: 'start' | 'cut' | 'gradual';
    /** First frame of the transition that it begins with, and the first that is all this shot. */
    readonly transitionFrames: readonly [start: number, end: number];
  }[];
  /** What led to it, where it was asked for. */
  readonly trace?: ShotTrace;
}

/** What the shot detector measured, to look at; see `docs/segmentation.md`. Indices are numbers of frames. */
export interface ShotTrace {
  readonly timesSec: Float64Array;
  /** How much each frame changes the one before, and what it would take to be a cut. */
  readonly change: Float32Array;
  readonly changeThreshold: Float32Array;
  /** The best score of a gradual transition around each frame. */
  readonly gradual: Float32Array;
  readonly gradualThreshold: number;
  /** A JPEG file for each shot. */
  readonly thumbnails: readonly Uint8Array[];
}

/** Told now and then of a job: seconds of media that are done, and all segments that are embedded so far. */
export type OnProgress = (doneSec: number, segments?: readonly TimeRange[]) => void;

/** To a worker. One job at a time. */
export type Request = { readonly type: 'run'; readonly job: Job };

/** From a worker. */
export type Reply =
  | { readonly type: 'started' }
  /** Sign of life; seconds of media that are done, and where it embeds, the segments that are. */
  | { readonly type: 'progress'; readonly doneSec: number; readonly segments?: readonly TimeRange[] }
  | { readonly type: 'done'; readonly result: Results[Job['kind']] }
  /** The job failed in an orderly way: `code` is there when the cause is the media and a client should read it. */
  | {
      readonly type: 'failed';
      readonly name?: string;
      readonly message: string;
      readonly code?: string;
      readonly details?: ErrorDetails;
      readonly stack?: string;
    };
