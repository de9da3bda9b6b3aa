import { defineWorkflow, type Workflow } from 'openworkflow';
import type { ChunkReport } from './warnings.ts';
import { ASSET_NOT_READY, type ChunkInput, sourceKey, type TaskWork } from './work.ts';

/** Longest time between two looks at an asset that is being prepared. Seconds. */
const MAX_ASSET_LOOK_SEC = 60;

export type TaskInput = { readonly taskId: string; readonly owner: string };

/**
 * The durable workflows of a task: `embed-task` fetches, plans, has each chunk embedded by an `embed-chunk` child on
 * whichever worker is free, and finishes. Steps that were finished are not done again after a crash.
 * @param releaseSlot called with the id of an `embed-chunk` that needs no media worker any more
 */
export function taskWorkflows(work: TaskWork, releaseSlot: (runId: string) => void) {
  const embedChunk = defineWorkflow({ name: 'embed-chunk' }, ({ input, step, run }: Run<ChunkInput>) =>
    step.run({ name: 'embed' }, () => work.embed(input, { onEmbedded: () => releaseSlot(run.id) })),
  );

  const embedTask = defineWorkflow(
    { name: 'embed-task' },
    async ({ input: { taskId, owner }, step }: Run<TaskInput>) => {
      // An older reelvec said no more than that it was done.
      let fetched = (await step.run({ name: 'fetch' }, () => work.fetch(taskId))) as string | true | null;
      // Sleeping, the run holds no place. Two steps a look, of the 1000 that a run may have: enough for eight hours.
      for (let look = 1; fetched === ASSET_NOT_READY; look++) {
        await step.sleep(`asset-${look}`, `${Math.min(MAX_ASSET_LOOK_SEC, Math.ceil(1.3 ** (look - 1)))}s`);
        fetched = await step.run({ name: `fetch-${look}` }, () => work.fetch(taskId));
      }
      if (!fetched) return null;
      const source = fetched === true ? sourceKey(taskId) : fetched;
      const plan = await step.run({ name: 'plan' }, () => work.plan(taskId, source));
      if (!plan) return null;
      const chunks = await settleAll(
        Array.from({ length: plan.chunks }, (_, number) =>
          step.runWorkflow(
            embedChunk.spec,
            { taskId, number, options: plan.options, source, bundle: plan.bundle, owner },
            { name: `chunk-${number}` },
          ),
        ),
      );
      const reports = chunks.filter((report): report is ChunkReport => report !== null);
      // A chunk without a report has ended the task.
      if (reports.length < plan.chunks) return null;
      return step.run({ name: 'finish' }, () => work.finish(taskId, plan, reports));
    },
  );

  return { embedTask, embedChunk };
}

type Run<Input> = Parameters<Workflow<Input, unknown, Input>['fn']>[0];

/**
 * Promise.all, but not before every promise has settled: a run that waits for a child ends by an exception, and must
 * not end while other children are still being started. A real failure goes before "come back later".
 */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
  const failure = failures.find((reason) => reason?.name !== 'SleepSignalError') ?? failures[0];
  if (failures.length > 0) throw failure;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
