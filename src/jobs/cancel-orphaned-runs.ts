import type { AnyWorkflow, JobEngine } from './engine.ts';

/** Subjects checked per query. The server answers requests between two queries. */
const BATCH_SIZE = 500;

/**
 * Cancels waiting runs whose task or asset has ended or was deleted. A worker that claimed one would find nothing to do; but
 * where no worker can claim it, it would count as queued for ever and make an autoscaler start workers.
 * @param options.unfinished returns those of the given subjects that still need their runs. A row is written before its run,
 *   so a subject of a waiting run that has no row is gone.
 * @param options.tidy removes what a subject's runs left behind. The runs would have done so at their end; a crash right
 *   before that leaves them in the queue.
 * @returns number of canceled runs
 */
export async function cancelOrphanedRuns({
  engine,
  workflows,
  unfinished,
  tidy,
}: {
  engine: Pick<JobEngine, 'waitingSubjects' | 'cancel'>;
  workflows: readonly AnyWorkflow[];
  unfinished: (subjects: readonly string[]) => Promise<readonly string[]>;
  tidy: (subject: string) => Promise<void>;
}): Promise<number> {
  let after = '';
  let canceled = 0;
  for (;;) {
    const subjects = await engine.waitingSubjects(workflows, { after, limit: BATCH_SIZE });
    const needed = new Set(subjects.length > 0 ? await unfinished(subjects) : []);
    const orphaned = subjects.filter((subject) => !needed.has(subject));
    for (const subject of orphaned) await tidy(subject);
    if (orphaned.length > 0) canceled += await engine.cancel(workflows, orphaned);
    // A short page ends the loop. An empty one may never come, because new subjects sort last and keep arriving.
    if (subjects.length < BATCH_SIZE) return canceled;
    after = subjects.at(-1)!;
  }
}
