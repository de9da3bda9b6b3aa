import { defineWorkflow, type Workflow } from 'openworkflow';
import { tryWithLock } from '../database/open.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { type SweepDeps, sweepDue, sweepOrphans } from './sweep.ts';

/** Interval of sweeps. Milliseconds. */
const SLOT_MS = 10 * 60_000;
/** Slots per sweep of orphans, which lists the whole blob store. */
const ORPHAN_SLOTS = 6;

/** Slot of a time, and the idempotency key of its run: all nodes together start one run per slot. */
export function sweepSlot(now: Date): { readonly slot: number; readonly key: string } {
  const slot = Math.floor(now.getTime() / SLOT_MS);
  return { slot, key: `sweep-${new Date(slot * SLOT_MS).toISOString()}` };
}

/** Defines the durable workflow that deletes expired data and orphans. One run at a time, on any node. */
export function sweepWorkflow(deps: SweepDeps, steps: InFlightSteps) {
  return defineWorkflow({ name: 'sweep' }, async ({ input: { slot }, step }: Run<{ slot: number }>) => {
    // Skipped while the run of an earlier slot is still in progress.
    const alone = (work: () => Promise<void>) => () => steps.run(() => tryWithLock(deps.db, 'sweep', work));
    await step.run(
      { name: 'due' },
      alone(() => sweepDue(deps, steps.stopping)),
    );
    if (slot % ORPHAN_SLOTS !== 0) return null;
    await step.run(
      { name: 'orphans' },
      alone(() => sweepOrphans(deps, steps.stopping)),
    );
    return null;
  });
}

type Run<Input> = Parameters<Workflow<Input, unknown, Input>['fn']>[0];
