import type { Device } from '../config.ts';
import type { Option, TrackOption } from '../domain/option.ts';
import type { DynamicSegmentation, FixedSegmentation } from '../domain/segmentation.ts';
import type { TextLimit } from '../domain/text-limit.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { ErrorDetails } from '../errors.ts';
import type { InputPart, Picture } from '../media/frames.ts';
import type { ClockMap, ImageInfo, MediaInfo, StillPicture } from '../media/info.ts';

/** Job of a media worker. */
export type Job =
  | { readonly kind: 'probe'; readonly path: string }
  | { readonly kind: 'shots'; readonly path: string; readonly withTrace?: boolean }
  | ({ readonly kind: 'embed' } & EmbedJob)
  /** Finds the device that runs models. */
  | { readonly kind: 'device'; readonly device: Device }
  /** Decodes an image for a query. */
  | { readonly kind: 'picture'; readonly path: string }
  /** Decodes short video or audio for a query. */
  | ({ readonly kind: 'clip' } & ClipJob)
  /** Inspects an image asset. */
  | { readonly kind: 'image'; readonly path: string }
  /** Creates a thumbnail of a video. */
  | { readonly kind: 'thumbnail'; readonly path: string; readonly media: MediaInfo }
  | ({ readonly kind: 'query' } & QueryJob);

/** Embeds one chunk of a task. */
export interface EmbedJob {
  readonly path: string;
  /** Seconds from the start of the file; both ends lie on segment edges. */
  readonly range: TimeRange;
  /** Map of timestamps that restart, from the probe. */
  readonly clock?: ClockMap;
  readonly segmentation: FixedSegmentation | (DynamicSegmentation & { readonly maxDurationSec: number });
  readonly options: readonly Option[];
  /** True to transcribe the audio with a speech model; otherwise the text comes from the subtitle track. */
  readonly listens?: boolean;
}

/**
 * Embeds a query of one or more parts, in their order: texts, pictures, videos and sounds. Media are decoded beforehand,
 * so that no client file reaches a query worker: pictures and videos as the bundle's `joint` encoder or else its visual
 * encoder asks for them, sound at the rate of its audio encoder. A bundle with a joint encoder gets the text around the
 * media as parts between them; without one, the query has at most one text, and its vector is the mean of those of its
 * parts.
 */
export interface QueryJob {
  readonly parts: readonly InputPart[];
  /** True if its text is content of media and not a query. The parts are one text then. */
  readonly isDocument?: boolean;
  /** Limit of its text; default: 500 tokens, and longer text is refused. */
  readonly limit?: TextLimit;
  /** Spaces of the vectors: several only for a text alone, out of the bundle's `textQuerySpaces`. */
  readonly spaces: readonly string[];
}

/** Decodes a whole file, as pictures or sound for the encoder of an option. */
export interface ClipJob {
  readonly path: string;
  readonly media: Pick<MediaInfo, 'durationSec' | 'clock'>;
  readonly option: TrackOption;
}

/** Pictures or sound of a file, in the format of the bundle's encoder. */
export interface DecodedClip {
  readonly pictures: readonly Picture[];
  /** Mono, −1 to 1. */
  readonly samples: Float32Array;
}

export interface QueryVectors {
  /** Vectors of L2 norm 1, one per requested space. */
  readonly vectors: readonly Float32Array[];
  /** Tokens of the text, or its words if the encoder has no tokenizer. */
  readonly tokens: number;
  /** True if the text was shortened. */
  readonly truncated: boolean;
}

/** Result by kind of job. */
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
  readonly clip: DecodedClip;
  readonly query: QueryVectors;
}

/** Result of an `EmbedJob`. */
export interface EmbeddedChunk {
  readonly segments: readonly TimeRange[];
  /** One entry per segment for each requested option; undefined if the segment has no content for it. */
  readonly vectors: Readonly<Partial<Record<Option, readonly (Float32Array | undefined)[]>>>;
  /** Number of places that could not be decoded. */
  readonly damages: number;
  /** Damaged time ranges of each track: left out, concealed, or predicted from damaged pictures. */
  readonly damaged: Readonly<Partial<Record<TrackOption, readonly TimeRange[]>>>;
  /** Seconds without content in each track that was read: cut off, damaged, or shorter than the other track. */
  readonly missingSec: Readonly<Partial<Record<TrackOption, number>>>;
}

/** Shots of a whole file. */
export interface ShotList {
  /** Average frame rate, in frames per second. */
  readonly frameRate: number;
  readonly frameCount: number;
  readonly durationSec: number;
  readonly shots: readonly {
    /** Index of the first frame, from 0, among all decoded frames. */
    readonly startFrame: number;
    readonly startSec: number;
    readonly endSec: number;
    /** Kind of boundary at the start of the shot. */
    readonly transition: 'start' | 'cut' | 'gradual';
    /** First frame of the transition at the start, and first frame after it. */
    readonly transitionFrames: readonly [start: number, end: number];
  }[];
  /** Measurements of the detector, if requested. */
  readonly trace?: ShotTrace;
}

/** Measurements of the shot detector, for plots; see `docs/segmentation.md`. Typed arrays have one value per frame. */
export interface ShotTrace {
  readonly timesSec: Float64Array;
  /** Change from the previous frame. */
  readonly change: Float32Array;
  /** Change from which the frame starts a new shot. */
  readonly changeThreshold: Float32Array;
  /** Best score of a gradual transition around the frame. */
  readonly gradual: Float32Array;
  /** Score from which a gradual transition is a boundary. */
  readonly gradualThreshold: number;
  /** One JPEG file per shot. */
  readonly thumbnails: readonly Uint8Array[];
}

/** Receives a job's progress: seconds of media that are done, and all segments that are embedded so far. */
export type OnProgress = (doneSec: number, segments?: readonly TimeRange[]) => void;

/** Message to a worker, which runs one job at a time. */
export type Request = { readonly type: 'run'; readonly job: Job };

/** Message from a worker. */
export type Reply =
  | { readonly type: 'started' }
  /** Heartbeat, with the seconds of media that are done; of an `EmbedJob` also its segments so far. */
  | { readonly type: 'progress'; readonly doneSec: number; readonly segments?: readonly TimeRange[] }
  | { readonly type: 'done'; readonly result: Results[Job['kind']] }
  /** The job failed with an error. Has a `code` if the cause is the media and the message is for the client. */
  | {
      readonly type: 'failed';
      readonly name?: string;
      readonly message: string;
      readonly code?: string;
      readonly details?: ErrorDetails;
      readonly stack?: string;
    };
