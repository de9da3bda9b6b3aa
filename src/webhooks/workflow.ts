import { defineWorkflow, type Workflow } from 'openworkflow';
import type { WebhookEndpoint } from '../config.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import type { Logger } from '../observe/logger.ts';
import type { DeliveryRepository } from './deliveries.ts';
import type { WebhookClient } from './post.ts';
import { SIGNATURE_HEADER, sign } from './signature.ts';

/** Waits between attempts in seconds: about a day in total. */
const BACKOFF_SEC = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800] as const;

export interface DeliveryDeps {
  readonly deliveries: DeliveryRepository;
  readonly client: WebhookClient;
  readonly endpoints: readonly WebhookEndpoint[];
  readonly log: Logger;
  readonly steps: InFlightSteps;
  /** Waits between attempts in seconds; for tests. */
  readonly backoffSec?: readonly number[];
}

/** Durable workflow that delivers an event to an endpoint: retries for a day until the receiver accepts it. */
export function deliverWorkflow(deps: DeliveryDeps) {
  const { backoffSec = BACKOFF_SEC, steps } = deps;
  return defineWorkflow(
    { name: 'deliver-webhook' },
    async ({ input: { deliveryId }, step }: Run<{ deliveryId: string }>) => {
      for (const [attempt, waitSec] of [...backoffSec, undefined].entries()) {
        const over = await step.run({ name: `attempt-${attempt}` }, () =>
          steps.run(() => deliver(deps, deliveryId, { isLast: waitSec === undefined })),
        );
        if (over || waitSec === undefined) return null;
        await step.sleep(`wait-${attempt}`, `${waitSec}s`);
      }
      return null;
    },
  );
}

/** Makes one attempt. @returns true if the delivery has ended */
async function deliver(deps: DeliveryDeps, id: string, { isLast }: { isLast: boolean }): Promise<boolean> {
  const { deliveries, client, endpoints, log, steps } = deps;
  const delivery = await deliveries.get(id);
  if (delivery?.status !== 'pending') return true;
  // The current secret, because an operator may have replaced a compromised one.
  const endpoint = endpoints.find(({ url }) => url === delivery.url);
  if (!endpoint) {
    // During a rolling change of settings other nodes may know the endpoint.
    await deliveries.setAttempted(
      id,
      isLast ? 'failed' : 'pending',
      'The URL is not configured on the node that tried.',
    );
    return isLast;
  }
  const signature = sign(delivery.body, { secret: endpoint.secret, atMs: Date.now() });
  const { taken, text } = await client.post(
    new URL(delivery.url),
    delivery.body,
    { [SIGNATURE_HEADER]: signature },
    steps.stopping,
  );
  const status = taken ? 'delivered' : isLast ? 'failed' : 'pending';
  await deliveries.setAttempted(id, status, text);
  log.info(
    { deliveryId: id, taskId: delivery.taskId, host: new URL(delivery.url).host, status, outcome: text },
    'webhook',
  );
  return taken || isLast;
}

type Run<Input> = Parameters<Workflow<Input, unknown, Input>['fn']>[0];
