import type { Migration } from 'kysely/migration';
import * as keysTasksChunksAssets from './migrations/0001-keys-tasks-chunks-assets.ts';

/** The schema's history, oldest first; one that was released is never changed. Plain types that both dialects have. */
export const migrations: Record<string, Migration> = {
  '0001_keys_tasks_chunks_assets': keysTasksChunksAssets,
};
