import type { Kysely } from 'kysely';

/** Content that several assets of an owner share, and the tasks that still read it. */
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
  // The references are what keeps content: the database refuses to take it from under a row.
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
