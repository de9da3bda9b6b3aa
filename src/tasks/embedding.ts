import type { BundleInfo } from '../encode/encoder.ts';
import { ReelvecError } from '../errors.ts';
import type { TimeRange } from '../media/frames.ts';
import type { MediaInfo } from '../media/info.ts';
import type { EmbeddedChunk, EmbedJob } from '../workers/protocol.ts';
import type { Option, TaskRequest } from './request.ts';
import type { EmbeddingRow } from './results.ts';

/** What the work on a task shares with embedding from the command line. */

/** What tells one bundle's vectors from another's. */
export function bundleId({ name, revision }: Pick<BundleInfo, 'name' | 'revision'>): string {
  return `${name}@${revision}`;
}

/** The work on one chunk, as a media worker is asked for it. */
export function chunkJob(chunk: {
  path: string;
  media: MediaInfo | undefined;
  range: TimeRange;
  request: TaskRequest;
  options: readonly Option[];
  maxSegmentSec: number;
}): EmbedJob & { kind: 'embed' } {
  const { path, media, range, request, options, maxSegmentSec } = chunk;
  const { segmentation } = request;
  return {
    kind: 'embed',
    path,
    range,
    ...(media?.clock && { clock: media.clock }),
    options,
    segmentation: segmentation.strategy === 'fixed' ? segmentation : { ...segmentation, maxDurationSec: maxSegmentSec },
  };
}

/**
 * Which of the options asked for the media can serve, by its tracks.
 * @throws {ReelvecError} `media_has_no_track` when none is left
 */
export function servableOptions(media: MediaInfo, asked: readonly Option[]): { options: Option[]; warnings: string[] } {
  const missing: Record<Option, string | undefined> = {
    visual: media.video ? undefined : 'The media has no picture track',
    audio: media.audio ? undefined : 'The media has no sound track',
    transcription: media.subtitles ? undefined : 'The media has no text track that could be read as its transcription',
  };
  const options = asked.filter((option) => missing[option] === undefined);
  const warnings = asked
    .filter((option) => missing[option] !== undefined)
    .map((option) => `${missing[option]}: there are no ${option} embeddings.`);
  if (options.length === 0) {
    throw new ReelvecError(
      'media_has_no_track',
      `None of the requested embedding options (${asked.join(', ')}) can be served. ${warnings.join(' ')}`,
    );
  }
  return { options, warnings };
}

/** A chunk's vectors as rows: segment by segment, its options in the order visual, audio, transcription. */
export function chunkRows({ segments, vectors }: EmbeddedChunk): EmbeddingRow[] {
  const options = (['visual', 'audio', 'transcription'] as const).filter((option) => vectors[option] !== undefined);
  return segments.flatMap(({ startSec, endSec }, segment) =>
    options.flatMap((option) => {
      const embedding = vectors[option]?.[segment];
      return embedding ? [{ segment, startSec, endSec, option, scope: 'clip' as const, embedding }] : [];
    }),
  );
}
