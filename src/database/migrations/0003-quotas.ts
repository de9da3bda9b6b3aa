import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('keys').addColumn('quota_bytes', 'bigint').execute();
  await db.schema.alterTable('keys').addColumn('quota_tasks', 'integer').execute();
  await db.schema.alterTable('keys').addColumn('quota_minutes_per_day', 'double precision').execute();
  await db.schema
    .createTable('media_use')
    .addColumn('task_id', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('media_sec', 'double precision', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('media_use_owner_day').on('media_use').columns(['owner', 'day']).execute();
  await db.schema
    .createTable('owner_turns')
    .addColumn('owner', 'text', (c) => c.primaryKey())
    .addColumn('turn', 'bigint', (c) => c.notNull())
    .execute();
}
