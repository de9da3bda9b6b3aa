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

/** How often it is looked what webhooks are to be told, by this node or another, in milliseconds. */
const OUTBOX_MS = 1000;
/** How long the record of what webhooks were told is kept. */
const DELIVERIES_KEPT_MS = 7 * 24 * 3600 * 1000;

export interface Webhooks {
  readonly workflow: AnyWorkflow;
  /** Looks every second what there is to tell. */
  watch(): void;
  /** Makes deliveries and their runs agree, and forgets old ones. */
  maintain(): Promise<void>;
}

/** Opens what tells webhooks of the ends of tasks. */
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
      const timer = setInterval(() => startAll().catch((error) => log.error({ err: error }, 'webhooks')), OUTBOX_MS);
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
      await deliveries.prune(new Date(Date.now() - DELIVERIES_KEPT_MS).toISOString());
    },
  };
}
