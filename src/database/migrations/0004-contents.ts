import type { Kysely } from 'kysely';

/** Content shared by assets of an owner and read by tasks. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('contents')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addUniqueConstraint('contents_owner_sha256', ['owner', 'sha256'])
    .execute();
  // The foreign keys retain content: the database rejects its removal while a row references it.
  await db.schema
    .alterTable('assets')
    .addColumn('content_id', 'text', (c) => c.references('contents.id'))
    .execute();
  await db.schema.alterTable('assets').addColumn('sha256', 'text').execute();
  await db.schema
    .alterTable('tasks')
    .addColumn('content_id', 'text', (c) => c.references('contents.id'))
    .execute();
  await db.schema.createIndex('assets_content').on('assets').column('content_id').execute();
  await db.schema.createIndex('tasks_content').on('tasks').column('content_id').execute();
  await db.schema.createIndex('tasks_ended').on('tasks').columns(['status', 'updated_at']).execute();
  await db.schema.createIndex('assets_created').on('assets').column('created_at').execute();
}
