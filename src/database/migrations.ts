import type { Migration } from 'kysely/migration';
import * as keysTasksChunksAssets from './migrations/0001-keys-tasks-chunks-assets.ts';
import * as uploads from './migrations/0002-uploads.ts';
import * as quotas from './migrations/0003-quotas.ts';
import * as contents from './migrations/0004-contents.ts';
import * as fold from './migrations/0005-fold.ts';
import * as idempotency from './migrations/0006-idempotency.ts';
import * as webhooks from './migrations/0007-webhooks.ts';
import * as chunkSegments from './migrations/0008-chunk-segments.ts';
import * as transcriptionSource from './migrations/0009-transcription-source.ts';
import * as lastDone from './migrations/0010-last-done.ts';
import * as remembered from './migrations/0011-remembered.ts';
import * as taskRounds from './migrations/0012-task-rounds.ts';

/**
 * Schema migrations, oldest first. Released migrations must not change. They use only types that both dialects support.
 */
export const migrations: Record<string, Migration> = {
  '0001_keys_tasks_chunks_assets': keysTasksChunksAssets,
  '0002_uploads': uploads,
  '0003_quotas': quotas,
  '0004_contents': contents,
  '0005_fold': fold,
  '0006_idempotency': idempotency,
  '0007_webhooks': webhooks,
  '0008_chunk_segments': chunkSegments,
  '0009_transcription_source': transcriptionSource,
  '0010_last_done': lastDone,
  '0011_remembered': remembered,
  '0012_task_rounds': taskRounds,
};
