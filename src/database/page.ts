import type { Selectable, SelectQueryBuilder } from 'kysely';
import { COLUMNS } from './columns.ts';
import type { Database } from './schema.ts';

/** A page of a list: `limit` rows after the first `offset`. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Tables with paged lists. */
type Listed = 'assets' | 'tasks' | 'uploads';

/** Selects a page of the rows that a query matches, newest first, and their total number. */
export async function selectNewestFirst<Table extends Listed>(
  table: Table,
  matching: SelectQueryBuilder<Database, Table, object>,
  page: Page,
): Promise<{ rows: Selectable<Database[Table]>[]; total: number }> {
  // Kysely cannot infer that all of these tables share the columns used here.
  const query = matching as unknown as SelectQueryBuilder<Database, 'tasks', object>;
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
