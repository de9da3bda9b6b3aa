import type { Selectable, SelectQueryBuilder } from 'kysely';
import { COLUMNS } from './columns.ts';
import type { Database } from './schema.ts';

/** A part of a list: `limit` rows after the first `offset`. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Tables that are listed a page at a time. */
type Listed = 'assets' | 'tasks' | 'uploads';

/** A page of the rows that a query chooses from a table, newest first, and how many it chooses in all. */
export async function newestFirst<Table extends Listed>(
  table: Table,
  chosen: SelectQueryBuilder<Database, Table, object>,
  page: Page,
): Promise<{ rows: Selectable<Database[Table]>[]; total: number }> {
  // Kysely cannot tell that every one of the tables has the columns that this one has.
  const query = chosen as unknown as SelectQueryBuilder<Database, 'tasks', object>;
  const { count } = await query.select((e) => e.fn.countAll().as('count')).executeTakeFirstOrThrow();
  const rows = await query
    .select(COLUMNS[table] as typeof COLUMNS.tasks)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return { rows: rows as unknown as Selectable<Database[Table]>[], total: Number(count) };
}
