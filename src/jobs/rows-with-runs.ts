import type { Db } from '../database/open.ts';

/** A part of the rows that have a run: `limit` of them after one. */
export interface RunPage {
  /** Id of a run; `''` for the first part. */
  readonly after: string;
  readonly limit: number;
}

/** Rows that are not over and name the durable run that works on them, in the order of the runs' ids. */
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
