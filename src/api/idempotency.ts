import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OnCreated } from '../database/open.ts';
import { ReelvecError } from '../errors.ts';
import type { Claim, IdempotencyKeys, KeyState } from '../idempotency/keys.ts';
import { hangUpSignal } from './hang-up.ts';

/** How often one who waits for another's answer looks, and how often a holder shows that it lives, in milliseconds. */
const KEY_POLL_INTERVAL_MS = 100;
const HEARTBEAT_INTERVAL_MS = 3000;
/** A holder that has not moved for so long is gone, or frozen: what it has not created by now it never will. */
const HOLDER_TIMEOUT_MS = 15_000;
/** The longest wait for another's answer. */
const MAX_WAIT_MS = 60_000;

/** The header, for the schemas of operations that create. */
export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without blanks')
    .optional()
    .describe('for a day, the same key with the same request gives the first answer again instead of creating twice'),
});

/**
 * Carries out a request that creates something; once only where it came with an `Idempotency-Key`.
 * @param wish.content what is asked for, anything that JSON can hold; the order of keys does not count
 * @param wish.answer what the client is told of what was created
 * @param create creates it, and calls `onCreated` where that is given
 * @throws {ReelvecError} `conflict` when the key came with another request before, or one with it is still under way
 */
export async function createOnce<Created, Answer>(
  keys: IdempotencyKeys,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  wish: { content: unknown; answer: (created: Created) => Answer },
  create: (onCreated?: OnCreated<Created>) => Promise<Created>,
): Promise<Answer> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return wish.answer(await create());
  const fingerprint = createHash('sha256')
    .update(`${request.method} ${request.routeOptions.url} ${canonical(wish.content)}`)
    .digest('hex');
  const claimed = await claimOrWait(keys, { owner: request.owner, key, fingerprint }, hangUpSignal(reply));
  if (!('holder' in claimed)) {
    reply.header('idempotency-replayed', 'true');
    return JSON.parse(claimed.answer) as Answer;
  }
  // A lost beat is made good by the next.
  const timer = setInterval(() => keys.beat(claimed).catch(() => {}), HEARTBEAT_INTERVAL_MS);
  try {
    const created = await create((transaction, created) =>
      keys.complete(transaction, claimed, JSON.stringify(wish.answer(created))),
    );
    return wish.answer(created);
  } catch (error) {
    // Where that fails too, the next request with the key takes it over.
    await keys.release(claimed).catch(() => {});
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** The right to carry the request out, or the answer that it got when somebody else did. */
async function claimOrWait(
  keys: IdempotencyKeys,
  wanted: { owner: string; key: string; fingerprint: string },
  signal: AbortSignal,
): Promise<Claim | { answer: string }> {
  const start = performance.now();
  let seen: KeyState | undefined;
  let movedAt = start;
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
      movedAt = now;
    } else if (now - movedAt > HOLDER_TIMEOUT_MS) {
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

/** JSON text in which the order of keys makes no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
