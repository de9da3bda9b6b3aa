import { z } from 'zod';

/** Event types that a webhook can subscribe to. */
const WEBHOOK_EVENTS = ['embed.task.ready', 'embed.task.failed'] as const;

/** Webhook endpoint that receives the events of finished tasks. */
export interface WebhookEndpoint {
  readonly url: string;
  /** Key for the HMAC signature of deliveries. */
  readonly secret: string;
  readonly events: readonly (typeof WEBHOOK_EVENTS)[number][];
}

export const webhooks = z
  .string()
  .default('[]')
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('must be a JSON list of objects with "url" and "secret"');
      return z.NEVER;
    }
  })
  .pipe(
    z.array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }),
        secret: z.string().min(16, 'must have at least 16 characters'),
        events: z
          .array(z.enum(WEBHOOK_EVENTS))
          .min(1)
          .default([...WEBHOOK_EVENTS]),
      }),
    ),
  )
  .refine((list) => new Set(list.map(({ url }) => url)).size === list.length, 'has a URL twice')
  .transform((list): readonly WebhookEndpoint[] => list);
