import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { WebhookEndpoint } from '../config.ts';
import { openDatabase } from '../database/open.ts';
import { type AnyWorkflow, JobEngine } from '../jobs/engine.ts';
import { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { DeliveryRepository } from './deliveries.ts';
import type { WebhookClient } from './post.ts';
import { deliverWorkflow } from './workflow.ts';

const URL_OF_HOOK = 'https://hook.example/';

/** Runs one delivery to its end. @param endpoints configured on the node, by attempt @returns the outcome of each attempt */
async function deliver(endpoints: (attempt: number) => WebhookEndpoint[]) {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-deliver-'));
  const log = pino({ level: 'silent' });
  const db = await openDatabase(':memory:');
  const engine = await JobEngine.openEmbedded(join(folder, 'jobs.db'), log);
  try {
    const at = new Date().toISOString();
    await db
      .insertInto('webhook_deliveries')
      .values({
        id: 'd',
        task_id: 't',
        type: 'embed.task.ready',
        url: URL_OF_HOOK,
        body: '{}',
        status: 'pending',
        created_at: at,
        updated_at: at,
      })
      .execute();
    const deliveries = new DeliveryRepository(db);
    const outcomes: string[] = [];
    const record = deliveries.setAttempted.bind(deliveries);
    deliveries.setAttempted = (id, status, outcome) => {
      outcomes.push(outcome);
      return record(id, status, outcome);
    };
    const workflow = deliverWorkflow({
      deliveries,
      client: { post: async () => ({ taken: true, text: 'HTTP 200 OK' }) } as unknown as WebhookClient,
      get endpoints() {
        return endpoints(outcomes.length);
      },
      log,
      steps: new InFlightSteps(new AbortController().signal, log),
      backoffSec: [0.05, 0.05],
    });
    engine.work({ workflows: [workflow] as AnyWorkflow[], concurrency: 1 });
    await engine.start(workflow, { deliveryId: 'd' }, 'd');
    for (;;) {
      const { status } = (await deliveries.get('d'))!;
      if (status !== 'pending') return { status, outcomes };
      await sleep(5);
    }
  } finally {
    await engine.releaseLeases();
    await engine.close();
    await db.destroy();
    rmSync(folder, { recursive: true });
  }
}

const endpoint = { url: URL_OF_HOOK, secret: 'sixteen characters', events: [] } as unknown as WebhookEndpoint;

test('a node without the endpoint leaves the delivery to other nodes', async () => {
  const { status, outcomes } = await deliver((attempt) => (attempt === 0 ? [] : [endpoint]));
  assert.equal(status, 'delivered');
  assert.deepEqual(outcomes, ['The URL is not configured on the node that tried.', 'HTTP 200 OK']);
});

test('a delivery to a removed endpoint fails after the last attempt', async () => {
  const { status, outcomes } = await deliver(() => []);
  assert.deepEqual([status, outcomes.length], ['failed', 3]);
});
