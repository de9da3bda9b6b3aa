import { defineWorkflow, type Workflow } from 'openworkflow';
import type { ChunkReport } from './warnings.ts';
import { ASSET_NOT_READY, type ChunkInput, sourceKey, type TaskWork } from './work.ts';

/** Maximum delay between two polls of an asset in preparation. Seconds. */
const MAX_ASSET_POLL_DELAY_SEC = 60;

export type TaskInput = { readonly taskId: string; readonly owner: string };

/**
 * Defines the durable workflows of a task. `embed-task` fetches, plans, starts an `embed-chunk` child for each chunk on
 * any free worker, and finishes. Completed steps are not repeated after a crash.
 * @param releaseSlot called with the id of an `embed-chunk` run that no longer needs a media worker
 */
export function taskWorkflows(work: TaskWork, releaseSlot: (runId: string) => void) {
  const embedChunk = defineWorkflow({ name: 'embed-chunk' }, ({ input, step, run }: Run<ChunkInput>) =>
    step.run({ name: 'embed' }, () => work.embed(input, { onEmbedded: () => releaseSlot(run.id) })),
  );

  const embedTask = defineWorkflow(
    { name: 'embed-task' },
    async ({ input: { taskId, owner }, step }: Run<TaskInput>) => {
      // Runs of older versions recorded `true` instead of a key.
      let fetched = (await step.run({ name: 'fetch' }, () => work.fetch(taskId))) as string | true | null;
      // A sleeping run holds no slot. Two steps per poll, of the 1000 that a run may have, suffice for eight hours.
      for (let poll = 1; fetched === ASSET_NOT_READY; poll++) {
        await step.sleep(`asset-${poll}`, `${Math.min(MAX_ASSET_POLL_DELAY_SEC, Math.ceil(1.3 ** (poll - 1)))}s`);
        fetched = await step.run({ name: `fetch-${poll}` }, () => work.fetch(taskId));
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
 * Like Promise.all, but settles only after all promises: a run that waits for a child ends by an exception, and must
 * not end while other children are being started. A real failure takes precedence over the exception that suspends the
 * run.
 */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
  const failure = failures.find((reason) => reason?.name !== 'SleepSignalError') ?? failures[0];
  if (failures.length > 0) throw failure;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
