import type { TaskRepository } from './repository.ts';

/** Notes that come within so long of one another are written together. Milliseconds. */
const TOGETHER_MS = 50;

/**
 * Notes which runs work on tasks. Nobody waits for a note: when it is lost, the next upkeep finds the run by its key and
 * makes it. So those of many tasks go to the database in one statement.
 */
export class RunNotes {
  readonly #tasks: Pick<TaskRepository, 'setRuns'>;
  readonly #onLost: (error: unknown) => void;
  #notes = new Map<string, string>();

  constructor(tasks: Pick<TaskRepository, 'setRuns'>, { onLost }: { onLost: (error: unknown) => void }) {
    this.#tasks = tasks;
    this.#onLost = onLost;
  }

  add(taskId: string, runId: string): void {
    if (this.#notes.size === 0) setTimeout(() => this.write(), TOGETHER_MS);
    this.#notes.set(taskId, runId);
  }

  /** Writes what has come together so far. */
  async write(): Promise<void> {
    const notes = this.#notes;
    this.#notes = new Map();
    if (notes.size > 0) await this.#tasks.setRuns(notes).catch(this.#onLost);
  }
}
