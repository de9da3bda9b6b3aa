import { ReelvecError } from '../errors.ts';
import type { EmbeddedChunk } from '../workers/protocol.ts';
import type { Option, RowOption, TaskRequest } from './request.ts';
import type { EmbeddingRow } from './results.ts';

/** What a chunk tells the task, beside its rows. */
export interface ChunkReport {
  readonly segments: number;
  /** Length of the chunk, in seconds. */
  readonly lengthSec: number;
  /** Rows of each option. */
  readonly rows: Readonly<Partial<Record<RowOption, number>>>;
  /** Places where something could not be decoded. */
  readonly damages: number;
  /** Seconds for which a track that was read has nothing. */
  readonly missingSec: EmbeddedChunk['missingSec'];
}

/** Tracks rarely end on the same moment: less than this is not worth a word. Seconds. */
const RAGGED_END_SEC = 0.5;
const TRACKS = { visual: 'pictures', audio: 'sound' } as const;

export function reportOf(chunk: EmbeddedChunk, rows: readonly EmbeddingRow[]): ChunkReport {
  const { segments, damages, missingSec } = chunk;
  const count: Partial<Record<RowOption, number>> = {};
  for (const { option } of rows) count[option] = (count[option] ?? 0) + 1;
  const lengthSec = (segments.at(-1)?.endSec ?? 0) - (segments[0]?.startSec ?? 0);
  return { segments: segments.length, lengthSec, rows: count, damages, missingSec };
}

/**
 * What the client should know of the result as a whole: what has no vector, what was damaged, and how much of the
 * range could not be read.
 * @param asked the range of the request, by default all of the media: then no other range is suggested
 * @throws {ReelvecError} `video_file_broken` when nothing at all could be embedded
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
  const warnings = counts
    .filter(({ rows }) => rows < segments)
    .map(({ option, rows }) =>
      rows === 0
        ? `Nothing in the range could be embedded as ${option}: there are no ${option} embeddings.`
        : `${segments - rows} of ${segments} segments have nothing to embed as ${option}.`,
    );
  return [...warnings, ...damageWarnings(damages), ...lossWarnings(reports, damages > 0)];
}

function damageWarnings(damages: number): string[] {
  if (damages === 0) return [];
  const places =
    damages === 1 ? '1 place could not be decoded and was' : `${damages} places could not be decoded and were`;
  return [`The media is damaged: ${places} left out.`];
}

/** Says for how long there was nothing: of undamaged media only what is more than a ragged end. */
function lossWarnings(reports: readonly ChunkReport[], isDamaged: boolean): string[] {
  const lengthSec = sum(reports, (report) => report.lengthSec);
  const losses = (['visual', 'audio'] as const)
    .filter((option) => reports.some(({ missingSec }) => missingSec[option] !== undefined))
    .map((option) => ({ track: TRACKS[option], sec: sum(reports, ({ missingSec }) => missingSec[option] ?? 0) }));
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

function sum(reports: readonly ChunkReport[], of: (report: ChunkReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}

function seconds(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}
