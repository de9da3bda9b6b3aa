import type { Config } from '../config.ts';
import { parseAllowList } from '../http/addresses.ts';
import type { AnyWorkflow } from '../jobs/engine.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { reconcile } from '../jobs/reconcile.ts';
import type { Logger } from '../observe/logger.ts';
import type { Delivery } from '../webhooks/deliveries.ts';
import { WebhookClient } from '../webhooks/post.ts';
import { deliverWorkflow } from '../webhooks/workflow.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';

/** Poll interval for new deliveries, recorded by this node or another. Milliseconds. */
const OUTBOX_POLL_INTERVAL_MS = 1000;
/** Retention of delivery records. Milliseconds. */
const DELIVERY_TTL_MS = 7 * 24 * 3600 * 1000;

export interface Webhooks {
  readonly workflow: AnyWorkflow;
  /** Starts to poll for new deliveries. */
  watch(): void;
  /** Reconciles deliveries with their runs, and deletes old ones. */
  maintain(): Promise<void>;
}

/** Opens the delivery of events to webhook endpoints. */
export function openWebhooks(
  { engine, deliveries }: State,
  { config, steps, shutdown, log }: { config: Config; steps: InFlightSteps; shutdown: ShutdownList; log: Logger },
): Webhooks {
  const client = new WebhookClient({ allow: parseAllowList(config.urlAllow) });
  shutdown.add('webhooks', () => client.close());
  const deliver = deliverWorkflow({ deliveries, client, endpoints: config.webhooks, log, steps });
  const start = async ({ id, round }: Delivery) =>
    deliveries.setRun(id, await engine.start(deliver, { deliveryId: id }, `${id}/${round}`));
  return {
    workflow: deliver as AnyWorkflow,
    watch() {
      const startAll = async () => {
        for (const delivery of await deliveries.unstarted()) await start(delivery);
      };
      const timer = setInterval(
        () => startAll().catch((error) => log.error({ err: error }, 'webhook deliveries not started')),
        OUTBOX_POLL_INTERVAL_MS,
      );
      shutdown.add('outbox', () => clearInterval(timer));
    },
    async maintain() {
      await reconcile({
        engine,
        log,
        unstarted: () => deliveries.unstarted(),
        started: (page) => deliveries.started(page),
        unfinished: (id) => deliveries.get(id).then((it) => (it?.status === 'pending' ? it : undefined)),
        start,
        fail: (id, e) => deliveries.setFailed(id, e.message),
      });
      await deliveries.prune(new Date(Date.now() - DELIVERY_TTL_MS).toISOString());
    },
  };
}
