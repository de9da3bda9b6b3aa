import { type Option, type RowOption, TRACK_OPTIONS } from '../domain/option.ts';
import type { TimeRange } from '../domain/time-range.ts';
import { ReelvecError } from '../errors.ts';
import type { EmbeddedChunk } from '../workers/protocol.ts';
import type { TaskRequest } from './request.ts';
import type { EmbeddingRow } from './results/results.ts';

/** Report of a chunk to its task, beside the rows. */
export interface ChunkReport {
  readonly segments: number;
  /** Length of the chunk, in seconds. */
  readonly lengthSec: number;
  /** Row count by option. */
  readonly rows: Readonly<Partial<Record<RowOption, number>>>;
  /** Number of places that could not be decoded. */
  readonly damages: number;
  /** Damaged stretches by track. Absent in reports of older versions. */
  readonly damaged?: EmbeddedChunk['damaged'];
  /** Seconds without content, for each track that was read. */
  readonly missingSec: EmbeddedChunk['missingSec'];
}

/** Missing content that is not reported, because tracks rarely end at the same time. Seconds. */
const RAGGED_END_SEC = 0.5;
/** Share of the range that at least one track must exceed, or the media is rejected as damaged. */
const MIN_READ_SHARE = 0.02;
/** Maximum damaged stretches listed per track. */
const MAX_LISTED_STRETCHES = 5;
/** Maximum gap between damaged stretches that are merged, such as at a chunk edge. Seconds. */
const MAX_MERGE_GAP_SEC = 0.05;
const TRACKS = { visual: 'pictures', audio: 'sound' } as const;

export function reportOf(chunk: EmbeddedChunk, rows: readonly EmbeddingRow[]): ChunkReport {
  const { segments, damages, damaged, missingSec } = chunk;
  const count: Partial<Record<RowOption, number>> = {};
  for (const { option } of rows) count[option] = (count[option] ?? 0) + 1;
  const lengthSec = (segments.at(-1)?.endSec ?? 0) - (segments[0]?.startSec ?? 0);
  return { segments: segments.length, lengthSec, rows: count, damages, damaged, missingSec };
}

/**
 * Warnings about the result as a whole: segments without vectors, damage, and the share of the range that could not be
 * read.
 * @param asked requested range; default all of the media, for which no other range is suggested
 * @throws {ReelvecError} `video_file_broken` if nothing could be embedded, or almost nothing could be read
 */
export function resultWarnings(
  reports: readonly ChunkReport[],
  options: readonly Option[],
  asked: Pick<TaskRequest, 'startSec' | 'endSec'> = { startSec: 0 },
): string[] {
  const segments = sum(reports, (report) => report.segments);
  const damages = sum(reports, (report) => report.damages);
  const counts = options.map((option) => ({ option, rows: sum(reports, (report) => report.rows[option] ?? 0) }));
  if (counts.every(({ rows }) => rows === 0)) {
    const isWhole = asked.startSec === 0 && asked.endSec === undefined;
    const advice = isWhole
      ? `Its tracks ${damages > 0 ? 'are damaged' : 'are empty'}: check that it plays in a media player and send the whole file.`
      : damages > 0
        ? 'The media is damaged: check that it plays in a media player.'
        : 'Ask for another range.';
    throw new ReelvecError(
      'video_file_broken',
      `Nothing in the ${isWhole ? 'media' : 'requested range'} could be turned into ${options.join(', ')} embeddings. ${advice}`,
    );
  }
  refuseRemains(reports, damages > 0);
  const warnings = counts
    .filter(({ rows }) => rows < segments)
    .map(({ option, rows }) =>
      rows === 0
        ? `Nothing in the range could be embedded as ${option}: there are no ${option} embeddings.`
        : `${segments - rows} of ${segments} segments have nothing to embed as ${option}.`,
    );
  return [...warnings, ...damageWarnings(damages, reports), ...lossWarnings(reports, damages > 0)];
}

/**
 * Rejects media of which next to nothing is left: it would become `ready` with a vector or two and look like a success.
 * @throws {ReelvecError} `video_file_broken` if every track that was read has under two per cent of the range
 */
function refuseRemains(reports: readonly ChunkReport[], isDamaged: boolean): void {
  const lengthSec = sum(reports, (report) => report.lengthSec);
  const readSec = lossesOf(reports).map(({ sec }) => lengthSec - sec);
  // A short track is not damage: a single track may be short.
  if (!(isDamaged || readSec.length > 1) || readSec.length === 0) return;
  if (readSec.some((sec) => sec >= MIN_READ_SHARE * lengthSec)) return;
  throw new ReelvecError(
    'video_file_broken',
    `Only ${seconds(Math.max(...readSec))} of ${seconds(lengthSec)} could be read: the media is damaged or cut off. ` +
      'Check that it plays in a media player and send the whole file.',
    { details: { read_sec: Math.max(...readSec), length_sec: lengthSec } },
  );
}

function damageWarnings(damages: number, reports: readonly ChunkReport[]): string[] {
  const places =
    damages === 1 ? '1 place could not be decoded and was' : `${damages} places could not be decoded and were`;
  const affected = TRACK_OPTIONS.flatMap((option) => {
    const stretches = joined(reports.flatMap(({ damaged }) => damaged?.[option] ?? []));
    return stretches.length > 0 ? [`the ${TRACKS[option]} at ${listed(stretches)}`] : [];
  });
  return [
    ...(damages > 0 ? [`The media is damaged: ${places} left out.`] : []),
    ...(affected.length > 0
      ? [`${damages > 0 ? 'Damage' : 'The media is damaged: this'} affects ${affected.join(', and ')}.`]
      : []),
  ];
}

/** Stretches of all chunks, in order; adjacent ones are merged. */
function joined(stretches: readonly TimeRange[]): TimeRange[] {
  const result: TimeRange[] = [];
  for (const stretch of stretches) {
    const last = result.at(-1);
    if (last && stretch.startSec <= last.endSec + MAX_MERGE_GAP_SEC) {
      result[result.length - 1] = { startSec: last.startSec, endSec: Math.max(last.endSec, stretch.endSec) };
    } else {
      result.push(stretch);
    }
  }
  return result;
}

function listed(stretches: readonly TimeRange[]): string {
  const texts = stretches
    .slice(0, MAX_LISTED_STRETCHES)
    .map(({ startSec, endSec }) => `${Number(startSec.toFixed(2))}–${seconds(endSec)}`);
  const more = stretches.length - texts.length;
  return texts.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Describes missing content; in undamaged media only beyond a ragged end. */
function lossWarnings(reports: readonly ChunkReport[], isDamaged: boolean): string[] {
  const lengthSec = sum(reports, (report) => report.lengthSec);
  const losses = lossesOf(reports);
  const lost = losses.filter(({ sec }) => sec >= (isDamaged ? 0.01 : RAGGED_END_SEC));
  if (lost.length === 0) return [];
  const amounts = lost.map(({ track, sec }) => `${seconds(sec)} of the ${track}`).join(' and ');
  const verdict = isDamaged
    ? 'could not be read'
    : lost.length === losses.length
      ? 'are not there: the file is cut off, or its tracks are shorter than it says'
      : 'are not there: a track has a gap, or is shorter than the other';
  return [`Of ${seconds(lengthSec)}, ${amounts} ${verdict}.`];
}

/** Missing seconds of each track that was read. */
function lossesOf(reports: readonly ChunkReport[]): { track: string; sec: number }[] {
  return TRACK_OPTIONS.filter((option) => reports.some(({ missingSec }) => missingSec[option] !== undefined)).map(
    (option) => ({ track: TRACKS[option], sec: sum(reports, ({ missingSec }) => missingSec[option] ?? 0) }),
  );
}

function sum(reports: readonly ChunkReport[], of: (report: ChunkReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

function seconds(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}
