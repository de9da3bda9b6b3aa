import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OpenWorkflow, Worker, type Workflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';

/** A workflow of any input and output. */
export type AnyWorkflow = Workflow<unknown, unknown, unknown>;

export type RunStatus = 'unfinished' | 'completed' | 'failed';

/** Durable workflows: what was started goes on after a crash from the last step that was finished. */
export class JobEngine {
  readonly #backend: BackendSqlite;
  readonly #client: OpenWorkflow;
  readonly #path: string;
  #worker: Worker | undefined;

  private constructor(path: string, backend: BackendSqlite) {
    this.#path = path;
    this.#backend = backend;
    this.#client = new OpenWorkflow({ backend });
  }

  /** @param path of the engine's own SQLite file: beside the tables of reelvec, so that neither waits for the other */
  static open(path: string): JobEngine {
    mkdirSync(dirname(path), { recursive: true });
    return new JobEngine(path, BackendSqlite.connect(path));
  }

  /** Starts a run, or finds the one that was started with the same key before. @returns the run's id */
  async start<Input, Output>(workflow: Workflow<Input, Output, Input>, input: Input, key: string): Promise<string> {
    const handle = await this.#client.runWorkflow(workflow.spec, input, { idempotencyKey: key });
    return handle.workflowRun.id;
  }

  async status(runId: string): Promise<RunStatus | undefined> {
    const run = await this.#backend.getWorkflowRun({ workflowRunId: runId });
    if (!run) return undefined;
    if (run.status === 'completed' || run.status === 'succeeded') return 'completed';
    return run.status === 'failed' || run.status === 'canceled' ? 'failed' : 'unfinished';
  }

  /** Takes work on, `concurrency` runs at a time. */
  async work(workflows: readonly AnyWorkflow[], concurrency: number): Promise<void> {
    this.#releaseHeld();
    this.#worker = new Worker({ backend: this.#backend, workflows: [...workflows], concurrency });
    await this.#worker.start();
  }

  /** Takes on no more work. Runs under way are left to their fate: what they hold is released at the next start. */
  stopWork(): void {
    // Worker.stop() would wait for every run; without awaiting it only the polling ends.
    void this.#worker?.stop();
  }

  async close(): Promise<void> {
    await this.#backend.stop();
  }

  /**
   * Gives back what a process that died held: OpenWorkflow's lease is 30 s and cannot be changed. Only safe because a
   * second server on the same data folder is refused. Waiting parents are woken too, in case the death came between
   * a child's end and its message; they look around and go back to sleep.
   */
  #releaseHeld(): void {
    const database = new DatabaseSync(this.#path, { timeout: 5000 });
    try {
      database
        .prepare(`UPDATE workflow_runs SET worker_id = NULL, available_at = ? WHERE status = 'running'`)
        .run(new Date().toISOString());
    } finally {
      database.close();
    }
  }
}
