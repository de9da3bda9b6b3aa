import type { Generated } from 'kysely';
import type { MediaKind } from '../domain/media-kind.ts';

/**
 * Tables of the database. Times are RFC 3339 in UTC with milliseconds, which sort as text; structured values are JSON
 * text.
 */
export interface Database {
  keys: KeysTable;
  tasks: TasksTable;
  chunks: ChunksTable;
  assets: AssetsTable;
  contents: ContentsTable;
  idempotency_keys: IdempotencyKeysTable;
  webhook_deliveries: WebhookDeliveriesTable;
  uploads: UploadsTable;
  upload_chunks: UploadChunksTable;
  secrets: SecretsTable;
  media_use: MediaUseTable;
  owner_turns: OwnerTurnsTable;
  remembered: RememberedTable;
}

/** API keys created by this installation, as hashes. */
export interface KeysTable {
  id: string;
  name: string;
  /** SHA-256 of the key, lower-case hex. */
  hash: string;
  /** First characters of the key, to tell keys apart in lists. */
  prefix: string;
  created_at: string;
  revoked_at: string | null;
  /** Quota of the key; null applies the default of the settings. */
  quota_bytes: number | null;
  quota_tasks: number | null;
  quota_minutes_per_day: number | null;
}

export interface TasksTable {
  id: string;
  /** Id of the API key that created the task. */
  owner: string;
  input_type: MediaKind;
  model_name: string;
  /** Name and revision of the bundle that makes the vectors. */
  bundle: string;
  /** Validated request, JSON of `TaskRequest`. */
  request: string;
  status: 'processing' | 'ready' | 'failed';
  stage: string;
  /** JSON of `MediaInfo`; null until probed. */
  media: string | null;
  /** Processed range in seconds from the start of the file; null until probed. */
  start_sec: number | null;
  end_sec: number | null;
  /** Origin of the transcription text; null until planned, or if there is none. */
  transcription_source: Generated<'subtitles' | 'speech' | null>;
  /** JSON array of sentences. */
  warnings: Generated<string>;
  error_code: string | null;
  error_message: string | null;
  /** Durable run of the task; null until started. */
  run_id: string | null;
  /** Content of the asset being read; null once the task has ended. */
  content_id: string | null;
  /** Number of rebuilds of a lost result. */
  round: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** Chunks of a planned task. */
interface ChunksTable {
  task_id: string;
  number: number;
  start_sec: number;
  end_sec: number;
  /** Progress in seconds of media. */
  done_sec: number;
  /** JSON of the embedded segments, as `[start_sec, end_sec]` pairs in order. */
  segments: Generated<string>;
}

export interface AssetsTable {
  id: string;
  owner: string;
  method: 'direct' | 'url' | 'multipart';
  status: 'processing' | 'ready' | 'failed';
  filename: string;
  /** MIME type detected from the content. */
  file_type: string | null;
  /** Bytes. */
  size: number | null;
  duration_sec: number | null;
  /** JSON of `MediaInfo`; null until probed. */
  media: string | null;
  /** SHA-256 of the media as stored, lower-case hex; null if unknown. */
  sha256: string | null;
  /**
   * Content with the media; null until prepared. Equal to the asset's own id, or to that of another asset with the same
   * content.
   */
  content_id: string | null;
  /** JSON object of scalars. */
  user_metadata: string | null;
  source_url: string | null;
  /** Type declared by a multipart upload. */
  declared_type: MediaKind | null;
  /** State of requested extras; null if not requested. */
  hls: 'pending' | 'ready' | 'error' | null;
  thumbnail: 'pending' | 'ready' | 'error' | null;
  error_code: string | null;
  error_message: string | null;
  run_id: string | null;
  created_at: string;
  updated_at: string;
}

/** Media of assets, deduplicated per owner. The id is that of the first asset with the content. */
interface ContentsTable {
  id: string;
  owner: string;
  /** Lower-case hex. */
  sha256: string;
  /** Bytes. */
  size: number;
  created_at: string;
}

/** Requests with an `Idempotency-Key`. */
interface IdempotencyKeysTable {
  owner: string;
  key: string;
  /** SHA-256 of the request; a key must not be reused for another request. */
  fingerprint: string;
  /** Random name of the process that handles the request, and its heartbeat counter. */
  holder: string;
  beat: number;
  /** JSON of the first response; null until there is one. */
  answer: string | null;
  created_at: string;
}

/** Pending and past webhook deliveries: one row per event and endpoint. */
export interface WebhookDeliveriesTable {
  /** Also the id of the event, visible to the receiver. */
  id: string;
  task_id: string;
  type: string;
  url: string;
  /** Request body, byte for byte. */
  body: string;
  status: 'pending' | 'delivered' | 'failed';
  /** Number of manual redeliveries. */
  round: Generated<number>;
  attempts: Generated<number>;
  /** Human-readable result of the last attempt. */
  last_outcome: string | null;
  /** Durable run of the delivery; null until started. */
  run_id: string | null;
  created_at: string;
  updated_at: string;
}

/** Multipart uploads. */
export interface UploadsTable {
  id: string;
  owner: string;
  /** Reserved id of the asset, whose row is inserted on completion. */
  asset_id: string;
  status: 'active' | 'completed' | 'expired';
  filename: string;
  type: MediaKind;
  /** Bytes. Postgres returns a bigint as text. */
  total_size: number;
  chunk_size: number;
  /** Upload id in the blob store; null until opened there. */
  store_id: string | null;
  /** JSON of `AssetOptions`: `userMetadata`, `hls`, `thumbnail`. */
  overrides: string;
  created_at: string;
  updated_at: string;
  expires_at: string;
}

/** Stored chunks of uploads; missing chunks have no row. */
export interface UploadChunksTable {
  upload_id: string;
  /** From 1. */
  number: number;
  size: number;
  etag: string;
  stored_at: string;
  /** Time of the client's report; null until then. */
  completed_at: string | null;
}

/** Secrets generated by the server. */
interface SecretsTable {
  name: string;
  value: string;
}

/** Seconds of media that tasks embed, independent of their outcome. */
interface MediaUseTable {
  task_id: string;
  owner: string;
  /** `2026-01-31`, in UTC. */
  day: string;
  media_sec: number;
}

/** One row per owner, locked to serialize quota checks. */
interface OwnerTurnsTable {
  owner: string;
  turn: number;
}

/** Numbers that decide on the removal of blobs and rows. */
export interface RememberedTable {
  name: 'claim' | 'kept_before_ms' | 'swept_at_ms' | 'held_until_ms';
  /** Postgres returns a bigint as text. */
  value: number;
}
