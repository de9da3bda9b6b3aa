import type { Task, TaskRepository } from './repository.ts';

/** Notes that come within so long of one another are written together. Milliseconds. */
const TOGETHER_MS = 50;

export interface StarterDeps {
  readonly tasks: Pick<TaskRepository, 'setRuns'>;
  /** Puts a task's run into the queue. @returns its id */
  readonly enqueue: (task: Task) => Promise<string>;
  /** Told of notes that could not be written. */
  readonly onLost: (error: unknown) => void;
}

/**
 * Starts the runs of tasks and notes which works on which. Nobody waits for a note: when it is lost, the next maintenance run finds
 * the run by its key and makes it. So those of many tasks go to the database in one statement.
 */
export class TaskStarter {
  readonly #deps: StarterDeps;
  readonly #starting = new Set<Promise<void>>();
  #notes = new Map<string, string>();

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /** @throws what the queue throws: the task is started by the next maintenance run */
  start(task: Task): Promise<void> {
    const started = this.#deps.enqueue(task).then((runId) => this.#note(task.id, runId));
    this.#starting.add(started);
    const over = () => void this.#starting.delete(started);
    started.then(over, over);
    return started;
  }

  /** Waits for what is being started, and writes the notes that have come together. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#starting);
    await this.#write();
  }

  #note(taskId: string, runId: string): void {
    if (this.#notes.size === 0) setTimeout(() => this.#write(), TOGETHER_MS);
    this.#notes.set(taskId, runId);
  }

  async #write(): Promise<void> {
    const notes = this.#notes;
    this.#notes = new Map();
    if (notes.size > 0) await this.#deps.tasks.setRuns(notes).catch(this.#deps.onLost);
  }
}
