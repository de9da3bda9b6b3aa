import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OnCreated } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import type { Claim, IdempotencyKeys, KeyState } from '../idempotency/keys.ts';
import { hangUpSignal } from './hang-up.ts';

/** Poll interval while waiting for the response of a concurrent request with the same key, in milliseconds. */
const KEY_POLL_INTERVAL_MS = 100;
/** Interval at which a request renews its claim on the key, in milliseconds. */
const HEARTBEAT_INTERVAL_MS = 3000;
/**
 * Time without a heartbeat after which a claim is taken over, in milliseconds. Its holder can no longer complete it.
 */
const CLAIM_TIMEOUT_MS = 15_000;
/** Maximum wait for the response of a concurrent request, in milliseconds. */
const MAX_WAIT_MS = 60_000;

/** Schema of the `Idempotency-Key` header. */
export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without blanks')
    .optional()
    .describe('for a day, a repeated request with the same key gets the first answer, and nothing is created twice'),
});

/**
 * Executes a creating request, at most once per `Idempotency-Key` if it has one.
 * @param operation.content JSON value that identifies the request; the order of keys does not matter
 * @param operation.answer response body for the created object
 * @param create creates the object, and calls `onCreated`, if given, in the same transaction
 * @throws {ReelvecError} `conflict` if the key was used for another request, or its first request is still running
 */
export async function createOnce<Created, Answer>(
  keys: IdempotencyKeys,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  operation: { content: unknown; answer: (created: Created) => Answer },
  create: (onCreated?: OnCreated<Created>) => Promise<Created>,
): Promise<Answer> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return operation.answer(await create());
  const fingerprint = createHash('sha256')
    .update(`${request.method} ${request.routeOptions.url} ${canonical(operation.content)}`)
    .digest('hex');
  const claimed = await claimOrWait(keys, { owner: request.owner, key, fingerprint }, hangUpSignal(reply));
  if (!('holder' in claimed)) {
    reply.header('idempotency-replayed', 'true');
    return JSON.parse(claimed.answer) as Answer;
  }
  // A failed heartbeat is ignored: the next one renews the claim.
  const timer = setInterval(() => keys.beat(claimed).catch(() => {}), HEARTBEAT_INTERVAL_MS);
  try {
    const created = await create((transaction, created) =>
      keys.complete(transaction, claimed, JSON.stringify(operation.answer(created))),
    );
    return operation.answer(created);
  } catch (error) {
    // If the release fails too, the next request with the key takes over the claim.
    await keys.release(claimed).catch(() => {});
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Claims the key, or waits for the response of the request that holds it. */
async function claimOrWait(
  keys: IdempotencyKeys,
  wanted: { owner: string; key: string; fingerprint: string },
  signal: AbortSignal,
): Promise<Claim | { answer: string }> {
  const start = performance.now();
  let seen: KeyState | undefined;
  let lastBeatAt = start;
  for (;;) {
    const state = await keys.claim(wanted);
    if (!('fingerprint' in state)) return state;
    if (state.fingerprint !== wanted.fingerprint) {
      throw new ReelvecError(
        'conflict',
        `The Idempotency-Key "${wanted.key}" came with another request before. Use a new key for a new request.`,
        { details: { field: 'Idempotency-Key' } },
      );
    }
    if (state.answer !== undefined) return { answer: state.answer };
    const now = performance.now();
    if (state.holder !== seen?.holder || state.beat !== seen.beat) {
      seen = state;
      lastBeatAt = now;
    } else if (now - lastBeatAt > CLAIM_TIMEOUT_MS) {
      const claim = await keys.takeOver(wanted, state);
      if (claim) return claim;
    }
    if (now - start > MAX_WAIT_MS) {
      throw new ReelvecError(
        'conflict',
        `The first request with the Idempotency-Key "${wanted.key}" is still being carried out. Send it again later.`,
        { details: { field: 'Idempotency-Key' } },
      );
    }
    await sleep(KEY_POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** JSON text with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.keys(inner)
            .sort()
            .map((name) => [name, (inner as Record<string, unknown>)[name]]),
        )
      : inner,
  );
}
