import type { TaskRepository } from './repository.ts';

/** Interval at which the status of the watched tasks is polled. Milliseconds. */
const TASK_END_POLL_INTERVAL_MS = 250;

/** Aborts local work on tasks that were deleted or failed elsewhere. One query polls all watched tasks. */
export class TaskEndWatcher {
  readonly #tasks: Pick<TaskRepository, 'unfinished'>;
  /** Abort controllers of the work, by task id. */
  readonly #watches = new Map<string, Set<AbortController>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tasks: Pick<TaskRepository, 'unfinished'>) {
    this.#tasks = tasks;
  }

  /** @returns a signal that is aborted when the task has ended; dispose of it to stop watching */
  watch(taskId: string): { readonly signal: AbortSignal } & Disposable {
    const over = new AbortController();
    const watches = this.#watches.get(taskId) ?? new Set();
    this.#watches.set(taskId, watches.add(over));
    this.#timer ??= setTimeout(() => this.#poll(), TASK_END_POLL_INTERVAL_MS);
    return {
      signal: over.signal,
      [Symbol.dispose]: () => {
        watches.delete(over);
        if (watches.size === 0 && this.#watches.get(taskId) === watches) this.#watches.delete(taskId);
      },
    };
  }

  async #poll(): Promise<void> {
    const ids = [...this.#watches.keys()];
    // If the database is unavailable, the work goes on.
    const wanted = ids.length > 0 ? await this.#tasks.unfinished(ids).catch(() => ids) : ids;
    for (const id of ids) {
      if (wanted.includes(id)) continue;
      for (const watch of this.#watches.get(id) ?? []) watch.abort(new Error('The task is over.'));
    }
    this.#timer = this.#watches.size > 0 ? setTimeout(() => this.#poll(), TASK_END_POLL_INTERVAL_MS) : undefined;
  }
}
