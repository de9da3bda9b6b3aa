import type { Generated } from 'kysely';

/** Times are RFC 3339 in UTC with milliseconds, which sort as text; structured values are JSON text. */
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

/** API keys that were made here. The key itself is not kept. */
export interface KeysTable {
  id: string;
  name: string;
  /** SHA-256 of the key, lower-case hex. */
  hash: string;
  /** The first characters, to tell keys apart in a list. */
  prefix: string;
  created_at: string;
  revoked_at: string | null;
  /** What the key may have; null where the settings say it. */
  quota_bytes: number | null;
  quota_tasks: number | null;
  quota_minutes_per_day: number | null;
}

export interface TasksTable {
  id: string;
  /** Whose task it is: the id of the key that made it. */
  owner: string;
  input_type: 'audio' | 'video';
  model_name: string;
  /** Name and revision of the bundle that makes the vectors. */
  bundle: string;
  /** The validated request, JSON of `TaskRequest`. */
  request: string;
  status: 'processing' | 'ready' | 'failed';
  stage: string;
  /** JSON of `MediaInfo`, once probed. */
  media: string | null;
  /** Range that is processed, in seconds from the start of the file, once probed. */
  start_sec: number | null;
  end_sec: number | null;
  /** Where the words come from, once planned; null where there are none. */
  transcription_source: Generated<'subtitles' | 'speech' | null>;
  /** JSON array of sentences. */
  warnings: Generated<string>;
  error_code: string | null;
  error_message: string | null;
  /** The durable run that works on it; null until it was started. */
  run_id: string | null;
  /** The asset's content that it reads; null once it is over. */
  content_id: string | null;
  /** How often its result was made again because it was lost. */
  round: Generated<number>;
  created_at: string;
  updated_at: string;
}

/** The pieces of work of a task, once planned. */
export interface ChunksTable {
  task_id: string;
  number: number;
  start_sec: number;
  end_sec: number;
  /** How much of it is embedded, in seconds of media. */
  done_sec: number;
  /** JSON of the segments that are embedded, as `[start_sec, end_sec]` pairs in order. */
  segments: Generated<string>;
}

export interface AssetsTable {
  id: string;
  owner: string;
  method: 'direct' | 'url' | 'multipart';
  status: 'processing' | 'ready' | 'failed';
  filename: string;
  /** MIME type as found in the content. */
  file_type: string | null;
  /** Bytes. */
  size: number | null;
  duration_sec: number | null;
  /** JSON of `MediaInfo`, once probed. */
  media: string | null;
  /** Of its media as it was stored, where that is known; lower-case hex. */
  sha256: string | null;
  /** Where its media lies; null until it was prepared, then its own id or that of another with the same content. */
  content_id: string | null;
  /** JSON object of scalars. */
  user_metadata: string | null;
  source_url: string | null;
  /** What a multipart upload said that it would be. */
  declared_type: 'video' | 'audio' | 'image' | null;
  /** States of what was asked for beside the asset; null where it was not. */
  hls: 'pending' | 'ready' | 'error' | null;
  thumbnail: 'pending' | 'ready' | 'error' | null;
  error_code: string | null;
  error_message: string | null;
  run_id: string | null;
  created_at: string;
  updated_at: string;
}

/** Media of assets, each content once for an owner. The id is that of the asset it first came with. */
export interface ContentsTable {
  id: string;
  owner: string;
  /** Lower-case hex. */
  sha256: string;
  /** Bytes. */
  size: number;
  created_at: string;
}

/** Requests that came with an `Idempotency-Key`. */
export interface IdempotencyKeysTable {
  owner: string;
  key: string;
  /** SHA-256 of the request: the same key may not come with another. */
  fingerprint: string;
  /** Who carries the request out, a random name; and a count that moves for as long as they live. */
  holder: string;
  beat: number;
  /** JSON of the first answer; null while there is none. */
  answer: string | null;
  created_at: string;
}

/** Events on their way to webhooks: one row for each event and endpoint. */
export interface WebhookDeliveriesTable {
  /** Id of the event too, which the receiver sees. */
  id: string;
  task_id: string;
  type: string;
  url: string;
  /** What is posted, byte for byte. */
  body: string;
  status: 'pending' | 'delivered' | 'failed';
  /** How often it was sent off anew by hand. */
  round: Generated<number>;
  attempts: Generated<number>;
  /** What became of the last attempt, for people. */
  last_outcome: string | null;
  /** The durable run that delivers it; null until it was started. */
  run_id: string | null;
  created_at: string;
  updated_at: string;
}

/** Multipart uploads, from their beginning. */
export interface UploadsTable {
  id: string;
  owner: string;
  /** Reserved from the beginning; the asset's row comes with the end of the upload. */
  asset_id: string;
  status: 'active' | 'completed' | 'expired';
  filename: string;
  type: 'video' | 'audio' | 'image';
  /** Bytes; Postgres hands a bigint out as text. */
  total_size: number;
  chunk_size: number;
  /** The store's name of the upload; null until it was opened there. */
  store_id: string | null;
  /** JSON of what the asset is to be: `userMetadata`, `hls`, `thumbnail`. */
  wishes: string;
  created_at: string;
  updated_at: string;
  expires_at: string;
}

/** Chunks that are stored; of the others there is no row. */
export interface UploadChunksTable {
  upload_id: string;
  /** From 1. */
  number: number;
  size: number;
  etag: string;
  stored_at: string;
  /** When the client has reported it; null until then. */
  completed_at: string | null;
}

/** What the server has thought up for itself, and must remember. */
export interface SecretsTable {
  name: string;
  value: string;
}

/** Seconds of media that a task embeds, whatever became of it. */
export interface MediaUseTable {
  task_id: string;
  owner: string;
  /** `2026-01-31`, in UTC. */
  day: string;
  media_sec: number;
}

/** A row of each owner, to be locked by what must not happen twice at a time. */
export interface OwnerTurnsTable {
  owner: string;
  turn: number;
}

/** Numbers that decide what may be removed. */
export interface RememberedTable {
  name: 'claim' | 'kept_before_ms' | 'swept_at_ms' | 'held_until_ms';
  /** Postgres hands a bigint out as text. */
  value: number;
}
