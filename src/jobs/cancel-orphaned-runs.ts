import type { AnyWorkflow, JobEngine } from './engine.ts';

/** How many subjects are looked at at a time: a server has requests to answer in between. */
const AT_A_TIME = 500;

/**
 * Takes runs off the queue that wait for nothing any more, because what they are there for is over or was deleted.
 * A worker that took one would find that there is nothing to do; but where none can, it would count as work for ever,
 * and workers be started for it.
 * @param options.unfinished which of these subjects still need their runs; one whose run is in the queue has its row
 *   already, so what has none by now is gone
 * @param options.tidy removes what the runs of a subject have left, which they would have done at their end: the crash
 *   that keeps one in the queue may have come right before that
 * @returns how many were taken off
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
    const subjects = await engine.waitingSubjects(workflows, { after, limit: AT_A_TIME });
    const wanted = new Set(subjects.length > 0 ? await unfinished(subjects) : []);
    const ended = subjects.filter((subject) => !wanted.has(subject));
    for (const subject of ended) await tidy(subject);
    if (ended.length > 0) canceled += await engine.cancel(workflows, ended);
    // Not until there are none: new ones are made all the while, and come last.
    if (subjects.length < AT_A_TIME) return canceled;
    after = subjects.at(-1)!;
  }
}
