import type { TasksTable } from '../database/schema.ts';
import { storedObject, storedSentences } from '../database/stored-json.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { MediaInfo } from '../media/info.ts';
import type { TaskRequest } from './request.ts';

export type TaskStatus = 'processing' | 'ready' | 'failed';
export type Stage = 'queued' | 'fetching' | 'probing' | 'embedding' | 'finalizing';

/** Subtitles of the media, or speech recognition on its sound. */
export type TranscriptionSource = 'subtitles' | 'speech';

export interface Task {
  readonly id: string;
  readonly owner: string;
  readonly request: TaskRequest;
  /** Name and revision of the bundle that makes the vectors. */
  readonly bundle: string;
  readonly status: TaskStatus;
  readonly stage: Stage;
  /** Set once probed. */
  readonly media?: MediaInfo;
  /** Processed range; set once probed. */
  readonly range?: TimeRange;
  /** Source of the transcription text, if any; set once planned. */
  readonly transcriptionSource?: TranscriptionSource;
  readonly warnings: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly runId?: string;
  /** Content of the asset being read; unset once the task has ended. */
  readonly contentId?: string;
  /** Number of rebuilds of a lost result. */
  readonly round: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const UNKNOWN_STATUS = {
  code: 'internal_server_error',
  message: 'The stored status of this task cannot be read. Create the task again.',
} as const satisfies Task['error'];

function isStatus(value: unknown): value is TaskStatus {
  return value === 'processing' || value === 'ready' || value === 'failed';
}

/** Reads a row. Damaged columns become defaults, so that one unreadable task does not fail a list. */
export function taskFromRow(row: { [Name in keyof TasksTable]: unknown }): Task {
  return {
    id: String(row.id),
    owner: String(row.owner),
    request: {
      inputType: row.input_type,
      modelName: String(row.model_name),
      ...storedObject(row.request),
    } as TaskRequest,
    bundle: String(row.bundle),
    ...(isStatus(row.status) ? { status: row.status } : { status: 'failed', error: UNKNOWN_STATUS }),
    stage: row.stage as Stage,
    media: storedObject(row.media) as MediaInfo | undefined,
    ...(row.start_sec !== null && { range: { startSec: Number(row.start_sec), endSec: Number(row.end_sec) } }),
    ...(row.transcription_source !== null && { transcriptionSource: row.transcription_source as TranscriptionSource }),
    warnings: storedSentences(row.warnings),
    ...(row.error_code !== null && { error: { code: String(row.error_code), message: String(row.error_message) } }),
    ...(row.run_id !== null && { runId: String(row.run_id) }),
    ...(row.content_id !== null && { contentId: String(row.content_id) }),
    round: Number(row.round),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
