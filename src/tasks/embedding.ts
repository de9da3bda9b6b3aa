import { OPTIONS, type Option } from '../domain/option.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../encode/recommended.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { ReelvecError } from '../errors.ts';
import type { MediaInfo, UnreadableTrack } from '../media/info.ts';
import { clauseOf } from '../media/unreadable-track.ts';
import type { EmbeddedChunk, EmbedJob } from '../workers/protocol.ts';
import type { TranscriptionSource } from './repository.ts';
import type { TaskRequest } from './request.ts';
import type { EmbeddingRow } from './results/results.ts';

/** Embedding steps shared by tasks and the command line. */

/** Identifies a bundle, as `name@revision`. Vectors of different ids are not comparable. */
export function bundleId({ name, revision }: Pick<BundleInfo, 'name' | 'revision'>): string {
  return `${name}@${revision}`;
}

/** Builds the media worker job for one chunk. */
export function chunkJob(chunk: {
  path: string;
  media: MediaInfo | undefined;
  range: TimeRange;
  request: TaskRequest;
  options: readonly Option[];
  transcriptionSource: TranscriptionSource | undefined;
  maxSegmentSec: number;
}): EmbedJob & { kind: 'embed' } {
  const { path, media, range, request, options, transcriptionSource, maxSegmentSec } = chunk;
  const { segmentation } = request;
  return {
    kind: 'embed',
    path,
    range,
    ...(media?.clock && { clock: media.clock }),
    options,
    ...(transcriptionSource === 'speech' && { listens: true }),
    segmentation: segmentation.strategy === 'fixed' ? segmentation : { ...segmentation, maxDurationSec: maxSegmentSec },
  };
}

/**
 * Ensures that all vectors of a task come from the bundle it was created for.
 * @throws {ReelvecError} `conflict` if a different bundle is loaded now
 */
export function requireBundle(made: string, serving: BundleInfo): void {
  if (made === bundleId(serving)) return;
  throw new ReelvecError(
    'conflict',
    `The task was made for the bundle ${made}, and the server now works with ${bundleId(serving)}, whose vectors do not ` +
      'compare with those. Make the task again.',
  );
}

/**
 * Selects the requested options that the bundle's encoders and the media's tracks can serve.
 * @throws {ReelvecError} `media_has_no_track` if none is left
 */
export function servableOptions(
  media: MediaInfo,
  asked: readonly Option[],
  bundle: BundleInfo,
): { options: Option[]; transcriptionSource: TranscriptionSource | undefined; warnings: string[] } {
  const source = transcriptionSourceOf(media, bundle);
  const lacking = (option: Option) =>
    bundle.spaces[option] === undefined ? `The bundle "${bundle.name}" has no encoder for it` : tracks[option];
  const tracks: Record<Option, string | undefined> = {
    visual: media.video ? undefined : lackOf(media, 'video', 'The media has no picture track'),
    audio: media.audio ? undefined : lackOf(media, 'audio', 'The media has no sound track'),
    transcription: source
      ? undefined
      : bundle.transcribesSpeech
        ? 'The media has neither a text track that could be read nor sound that could be listened to'
        : `The media has no text track that could be read, and the bundle "${bundle.name}" does not understand speech`,
  };
  const advice = (option: Option) =>
    option === 'transcription' && bundle.name === SIGNAL.name && media.audio
      ? ` To transcribe speech, run \`reelvec models use ${RECOMMENDED_BUNDLE}\` on the server, which downloads ` +
        `${recommendedDownload()} of models, and restart it.`
      : '';
  const options = asked.filter((option) => lacking(option) === undefined);
  const warnings = asked
    .filter((option) => lacking(option) !== undefined)
    .map((option) => `${lacking(option)}: there are no ${option} embeddings.${advice(option)}`);
  if (options.length === 0) {
    throw new ReelvecError(
      'media_has_no_track',
      `None of the requested embedding options (${asked.join(', ')}) can be served. ${warnings.join(' ')}`,
    );
  }
  return { options, transcriptionSource: options.includes('transcription') ? source : undefined, warnings };
}

function lackOf(media: MediaInfo, type: UnreadableTrack['type'], absent: string): string {
  const track = media.unreadable?.find((candidate) => candidate.type === type);
  return track ? `The media cannot be read in full, since ${clauseOf(track)}` : absent;
}

/** Source of the transcription text: subtitles take precedence over speech recognition. */
function transcriptionSourceOf(media: MediaInfo, bundle: BundleInfo): TranscriptionSource | undefined {
  if (media.subtitles) return 'subtitles';
  return bundle.transcribesSpeech && media.audio ? 'speech' : undefined;
}

/**
 * Converts the vectors of a chunk to rows: segment by segment, with options in the order visual, audio, transcription.
 */
export function chunkRows({ segments, vectors }: EmbeddedChunk): EmbeddingRow[] {
  const options = OPTIONS.filter((option) => vectors[option] !== undefined);
  return segments.flatMap(({ startSec, endSec }, segment) =>
    options.flatMap((option) => {
      const embedding = vectors[option]?.[segment];
      return embedding ? [{ segment, startSec, endSec, option, scope: 'clip' as const, embedding }] : [];
    }),
  );
}
