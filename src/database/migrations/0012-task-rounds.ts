import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('tasks')
    .addColumn('round', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
