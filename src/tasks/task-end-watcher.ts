import type { TaskRepository } from './repository.ts';

/** How often it is looked whether tasks that are worked on are still wanted. Milliseconds. */
const CHECK_MS = 250;

/** Finds out that tasks that are worked on here are over, because they were deleted or failed elsewhere: one look for all. */
export class TaskEndWatcher {
  readonly #tasks: Pick<TaskRepository, 'unfinished'>;
  /** Who works on a task, by its id. */
  readonly #watches = new Map<string, Set<AbortController>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tasks: Pick<TaskRepository, 'unfinished'>) {
    this.#tasks = tasks;
  }

  /** @returns a signal that is aborted when the task is over, until it is disposed of */
  watch(taskId: string): { readonly signal: AbortSignal } & Disposable {
    const over = new AbortController();
    const watches = this.#watches.get(taskId) ?? new Set();
    this.#watches.set(taskId, watches.add(over));
    this.#timer ??= setTimeout(() => this.#look(), CHECK_MS);
    return {
      signal: over.signal,
      [Symbol.dispose]: () => {
        watches.delete(over);
        if (watches.size === 0 && this.#watches.get(taskId) === watches) this.#watches.delete(taskId);
      },
    };
  }

  async #look(): Promise<void> {
    const ids = [...this.#watches.keys()];
    // The database may be away: nothing is known then, and the work goes on.
    const wanted = ids.length > 0 ? await this.#tasks.unfinished(ids).catch(() => ids) : ids;
    for (const id of ids) {
      if (wanted.includes(id)) continue;
      for (const watch of this.#watches.get(id) ?? []) watch.abort(new Error('The task is over.'));
    }
    this.#timer = this.#watches.size > 0 ? setTimeout(() => this.#look(), CHECK_MS) : undefined;
  }
}
