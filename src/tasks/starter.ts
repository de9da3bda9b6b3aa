import type { Task, TaskRepository } from './repository.ts';

/** Window within which run ids are collected into one statement. Milliseconds. */
const BATCH_WINDOW_MS = 50;

export interface StarterDeps {
  readonly tasks: Pick<TaskRepository, 'setRuns'>;
  /** Enqueues the run of a task. @returns its id */
  readonly enqueue: (task: Task) => Promise<string>;
  /** Receives errors of run ids that could not be saved. */
  readonly onSaveFailed: (error: unknown) => void;
}

/**
 * Starts the runs of tasks and saves their ids in batches. Nothing waits for a saved id: the next maintenance finds the
 * run of a task without one by its key and saves its id.
 */
export class TaskStarter {
  readonly #deps: StarterDeps;
  readonly #starting = new Set<Promise<void>>();
  #unsaved = new Map<string, string>();

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /** @throws errors of the queue; the next maintenance starts the task */
  start(task: Task): Promise<void> {
    const started = this.#deps.enqueue(task).then((runId) => this.#collect(task.id, runId));
    this.#starting.add(started);
    const over = () => void this.#starting.delete(started);
    started.then(over, over);
    return started;
  }

  /** Waits for pending starts and saves the collected run ids. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#starting);
    await this.#write();
  }

  #collect(taskId: string, runId: string): void {
    if (this.#unsaved.size === 0) setTimeout(() => this.#write(), BATCH_WINDOW_MS);
    this.#unsaved.set(taskId, runId);
  }

  async #write(): Promise<void> {
    const unsaved = this.#unsaved;
    this.#unsaved = new Map();
    if (unsaved.size > 0) await this.#deps.tasks.setRuns(unsaved).catch(this.#deps.onSaveFailed);
  }
}
