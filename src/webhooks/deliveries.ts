import type { WebhookEndpoint } from '../config.ts';
import { COLUMNS } from '../database/columns.ts';
import type { Db } from '../database/open.ts';
import type { WebhookDeliveriesTable } from '../database/schema.ts';
import { type RunPage, startedRows } from '../jobs/rows-with-runs.ts';
import type { OnEnded } from '../tasks/repository.ts';
import { endOfTask } from './event.ts';

/** Delivery of one event to one endpoint. */
export interface Delivery {
  readonly id: string;
  readonly taskId: string;
  readonly type: string;
  readonly url: string;
  /** Request body, byte for byte. */
  readonly body: string;
  readonly status: WebhookDeliveriesTable['status'];
  /** Number of manual redeliveries. */
  readonly round: number;
  readonly attempts: number;
  /** Outcome of the last attempt. */
  readonly lastOutcome?: string;
  readonly runId?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Webhook deliveries in the database: pending, delivered and failed. */
export class DeliveryRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * Returns a callback that inserts the deliveries of a task's event in the transaction that ends the task.
   * @returns undefined without endpoints
   */
  recorder(endpoints: readonly WebhookEndpoint[]): OnEnded | undefined {
    if (endpoints.length === 0) return undefined;
    return async (transaction, task) => {
      const wanted = endpoints
        .map((endpoint) => ({ endpoint, event: endOfTask(task) }))
        .filter(({ endpoint, event }) => endpoint.events.includes(event.type));
      if (wanted.length === 0) return;
      const rows = wanted.map(({ endpoint, event }) => ({
        id: event.id,
        task_id: task.id,
        type: event.type,
        url: endpoint.url,
        body: JSON.stringify(event),
        status: 'pending' as const,
        created_at: task.updatedAt,
        updated_at: task.updatedAt,
      }));
      await transaction.insertInto('webhook_deliveries').values(rows).execute();
    };
  }

  async get(id: string): Promise<Delivery | undefined> {
    const row = await this.#db
      .selectFrom('webhook_deliveries')
      .select(COLUMNS.webhook_deliveries)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Lists deliveries, newest first. */
  async list({ status, limit }: { status?: Delivery['status']; limit: number }): Promise<Delivery[]> {
    let query = this.#db.selectFrom('webhook_deliveries').select(COLUMNS.webhook_deliveries);
    if (status !== undefined) query = query.where('status', '=', status);
    const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(fromRow);
  }

  /** Pending deliveries without a run. */
  async unstarted(): Promise<Delivery[]> {
    const rows = await this.#db
      .selectFrom('webhook_deliveries')
      .select(COLUMNS.webhook_deliveries)
      .where('status', '=', 'pending')
      .where('run_id', 'is', null)
      .execute();
    return rows.map(fromRow);
  }

  /** Pending deliveries with a run, by run id. */
  started(page: RunPage): Promise<{ id: string; runId: string }[]> {
    return startedRows(this.#db, 'webhook_deliveries', page);
  }

  async setRun(id: string, runId: string): Promise<void> {
    await this.#db.updateTable('webhook_deliveries').set({ run_id: runId }).where('id', '=', id).execute();
  }

  /** Records an attempt. @param status `pending` if another attempt follows */
  async setAttempted(id: string, status: Delivery['status'], outcome: string): Promise<void> {
    await this.#db
      .updateTable('webhook_deliveries')
      .set((e) => ({ status, attempts: e('attempts', '+', 1), last_outcome: outcome, updated_at: now() }))
      .where('id', '=', id)
      .execute();
  }

  /** Marks a pending delivery as failed without an attempt. */
  async setFailed(id: string, outcome: string): Promise<void> {
    await this.#db
      .updateTable('webhook_deliveries')
      .set({ status: 'failed', last_outcome: outcome, updated_at: now() })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .execute();
  }

  /** Makes an ended delivery pending again. @returns false if there is none with this id */
  async redeliver(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('webhook_deliveries')
      .set((e) => ({ status: 'pending', round: e('round', '+', 1), attempts: 0, run_id: null, updated_at: now() }))
      .where('id', '=', id)
      .where('status', '!=', 'pending')
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** Deletes ended deliveries created before a time. @param before RFC 3339 */
  async prune(before: string): Promise<void> {
    await this.#db
      .deleteFrom('webhook_deliveries')
      .where('status', '!=', 'pending')
      .where('created_at', '<', before)
      .execute();
  }
}

function now(): string {
  return new Date().toISOString();
}

function fromRow(row: { [Name in keyof WebhookDeliveriesTable]: unknown }): Delivery {
  return {
    id: String(row.id),
    taskId: String(row.task_id),
    type: String(row.type),
    url: String(row.url),
    body: String(row.body),
    status: row.status as Delivery['status'],
    round: Number(row.round),
    attempts: Number(row.attempts),
    ...(row.last_outcome !== null && { lastOutcome: String(row.last_outcome) }),
    ...(row.run_id !== null && { runId: String(row.run_id) }),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
