import type { Db } from '../database/open.ts';

/** A page of rows sorted by run id: `limit` rows after `after`. */
export interface RunPage {
  /** Run id of the previous page's last row; `''` for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** Unfinished rows with the id of their durable run, sorted by run id. */
export async function startedRows(
  db: Db,
  table: 'tasks' | 'assets' | 'webhook_deliveries',
  { after, limit }: RunPage,
): Promise<{ id: string; runId: string }[]> {
  const rows = await db
    .selectFrom(table)
    .select(['id', 'run_id'])
    .where('status', '=', table === 'webhook_deliveries' ? 'pending' : 'processing')
    .where('run_id', '>', after)
    .orderBy('run_id')
    .limit(limit)
    .execute();
  return rows.map(({ id, run_id }) => ({ id, runId: run_id! }));
}
