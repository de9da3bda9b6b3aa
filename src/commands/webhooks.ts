import { databaseLocation, openDatabase } from '../database/open.ts';
import { type Delivery, DeliveryRepository } from '../webhooks/deliveries.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Lists webhook deliveries and redelivers them. The server may be running.

Usage: reelvec webhooks list [--status STATUS] [--limit N] [--json]
       reelvec webhooks redeliver ID...

Options:
  --status STATUS  only deliveries with this status: pending, delivered or failed
  --limit N        maximum number of deliveries, newest first; default: 50
  --json           one JSON object per line, including the posted body
  --data-dir PATH  data folder of the server (REELVEC_DATA_DIR)
  --database-url   PostgreSQL database, instead of the data folder (REELVEC_DATABASE_URL)

Endpoints are configured with REELVEC_WEBHOOKS. A running server starts a redelivery within seconds.

Examples:
  reelvec webhooks list --status failed
  reelvec webhooks redeliver whe_019a5c0d7f3e8b1c2d4e5f60
`;

const STATUSES = ['pending', 'delivered', 'failed'] as const;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, {
    status: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  });
  const [action, ...ids] = positionals;
  const fits = action === 'list' ? ids.length === 0 : action === 'redeliver' && ids.length > 0;
  if (!fits) throw new UsageError('See reelvec webhooks --help.');
  const status = STATUSES.find((known) => known === values.status);
  if (values.status !== undefined && !status) throw new UsageError(`--status is one of ${STATUSES.join(', ')}.`);
  const limit = Number(values.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit is a whole number from 1.');
  const db = await openDatabase(databaseLocation(config));
  try {
    const deliveries = new DeliveryRepository(db);
    if (action === 'redeliver') await redeliver(deliveries, ids);
    else for (const delivery of await deliveries.list({ status, limit })) console.log(line(delivery, values.json));
  } finally {
    await db.destroy();
  }
}

async function redeliver(deliveries: DeliveryRepository, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    if (!(await deliveries.redeliver(id))) {
      throw new CommandError(`There is no finished delivery ${id}. See reelvec webhooks list.`);
    }
    console.log(`${id} queued for redelivery.`);
  }
}

function line(delivery: Delivery, json: boolean | undefined): string {
  const { id, createdAt, type, taskId, url, status, attempts, lastOutcome, body } = delivery;
  if (json) {
    const facts = {
      id,
      created_at: createdAt,
      type,
      task_id: taskId,
      url,
      status,
      attempts,
      last_outcome: lastOutcome,
    };
    return JSON.stringify({ ...facts, body: JSON.parse(body) });
  }
  const outcome = lastOutcome === undefined ? '' : `  ${lastOutcome}`;
  return `${id}  ${createdAt}  ${type.padEnd(17)}  task ${taskId}  ${status} after ${attempts}  ${url}${outcome}`;
}
