import { defineWorkflow, type Workflow } from 'openworkflow';
import { tryWithLock } from '../database/open.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { type SweepDeps, sweepDue, sweepOrphans } from './sweep.ts';

/** What is due goes within this time. */
const SLOT_MS = 10 * 60_000;
/** The store is compared with the database, which takes a list of all of it, every so many slots. */
const ORPHAN_SLOTS = 6;

/** The slot of a moment. Its name is the key of the run: however many nodes start it, there is one. */
export function sweepSlot(now: Date): { readonly slot: number; readonly key: string } {
  const slot = Math.floor(now.getTime() / SLOT_MS);
  return { slot, key: `sweep-${new Date(slot * SLOT_MS).toISOString()}` };
}

/** The durable workflow that clears what is no longer needed; one run at a time, on whichever node takes it. */
export function sweepWorkflow(deps: SweepDeps, steps: InFlightSteps) {
  return defineWorkflow({ name: 'sweep' }, async ({ input: { slot }, step }: Run<{ slot: number }>) => {
    // One that took longer than its slot is still at it: then this one is not needed.
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
