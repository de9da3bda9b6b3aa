import type { Workflow } from 'openworkflow';
import { ReelvecError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { ClaimLoop, type ClaimLoopOptions } from './claim-loop.ts';
import type { AnyWorkflow, JobStore, QueueLength, RunStatus } from './job-store.ts';
import { PostgresJobStore } from './job-store-postgres.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

export type { AnyWorkflow, QueueLength, RunStatus, WaitingFlow } from './job-store.ts';

/** Retention of ended runs, and so of their idempotency keys: 7 days. */
const ENDED_RUN_TTL_MS = 7 * 24 * 3600 * 1000;
/** Poll interval of {@link JobEngine.finish}. */
const FINISH_POLL_INTERVAL_MS = 50;
/** OpenWorkflow's limit of step attempts per run. */
const MAX_STEP_ATTEMPTS = 1000;

export interface RunFailure {
  /** The error that ended the run, for the log. */
  readonly error: string | undefined;
  /** Message for the client: that of the error that ended the run, if the error is a {@link ReelvecError}. */
  readonly reason: string | undefined;
  /** Attempts of the step that failed; 0 if the run failed outside its steps or was canceled. */
  readonly attempts: number;
}

/** Durable workflows: after a crash, a run resumes from its last completed step. */
export class JobEngine {
  readonly #jobs: JobStore;
  readonly #log: Logger;
  readonly #loops: ClaimLoop[] = [];

  private constructor(jobs: JobStore, log: Logger) {
    this.#jobs = jobs;
    this.#log = log;
  }

  /**
   * Opens the engine of a single process. Releases the leases of a dead one at once.
   * @param path SQLite file that no other process uses
   */
  static async openEmbedded(path: string, log: Logger): Promise<JobEngine> {
    const jobs = new SqliteJobStore(path);
    await jobs.release();
    return new JobEngine(jobs, log);
  }

  /**
   * Opens the engine of one node among several. A dead node's runs are claimed again when their leases of 30 s expire.
   * @param url PostgreSQL database. Its tables are migrated, so call this on one node at a time.
   */
  static async openShared(url: string, log: Logger): Promise<JobEngine> {
    const engine = new JobEngine(await PostgresJobStore.open(url), log);
    await engine.#jobs.listen(() => engine.#notify());
    return engine;
  }

  /** Starts a run, or finds the run of this workflow that was started with the same key. @returns the run's id */
  async start<Input, Output>(workflow: Workflow<Input, Output, Input>, input: Input, key: string): Promise<string> {
    const id = await this.#jobs.create({ workflow: workflow.spec.name, key, input });
    this.#notify();
    return id;
  }

  /** Statuses by run id. Unknown runs are absent. */
  statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>> {
    return this.#jobs.statuses(runIds);
  }

  /** Error of a failed run and the attempts of the step that failed, looked up in the child run if that failed. */
  async failureOf(runId: string): Promise<RunFailure> {
    const { backend } = this.#jobs;
    const run = await backend.getWorkflowRun({ workflowRunId: runId });
    const error = run?.error?.message;
    const reason = run?.error?.name === ReelvecError.name ? error : undefined;
    const { data: steps } = await backend.listStepAttempts({ workflowRunId: runId, limit: MAX_STEP_ATTEMPTS });
    const failed = steps.filter(({ status }) => status === 'failed');
    const last = failed.at(-1);
    if (last?.childWorkflowRunId) return { ...(await this.failureOf(last.childWorkflowRunId)), error, reason };
    return { error, reason, attempts: failed.filter(({ stepName }) => stepName === last?.stepName).length };
  }

  /** Subjects (task or asset ids) of runs of these workflows that no worker holds, sorted: `limit` after `after`. */
  waitingSubjects(workflows: readonly AnyWorkflow[], page: { after: string; limit: number }): Promise<string[]> {
    return this.#jobs.waitingSubjects(namesOf(workflows), page);
  }

  /** Cancels the runs of these subjects that no worker holds. @returns number of canceled runs */
  cancel(workflows: readonly AnyWorkflow[], subjects: readonly string[]): Promise<number> {
    return this.#jobs.cancel(namesOf(workflows), subjects);
  }

  /** Numbers of waiting and running runs by workflow, on all nodes. */
  count(): Promise<QueueLength[]> {
    return this.#jobs.count();
  }

  /** Starts a claim loop. Several loops run independently. */
  work(options: Omit<ClaimLoopOptions, 'onChange'>): void {
    const loop = new ClaimLoop(this.#jobs, { ...options, onChange: (change) => this.#onChange(change) }, this.#log);
    this.#loops.push(loop);
    loop.start();
  }

  /** Frees the slot of a run that is executed here and needs none any more. The next run may start before it ends. */
  releaseSlot(runId: string): void {
    for (const loop of this.#loops) loop.releaseSlot(runId);
  }

  /** Stops claiming. Runs in flight continue. */
  async drain(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** Drains, then waits until the runs in flight have ended or the signal is aborted. */
  async finish(signal: AbortSignal): Promise<void> {
    await this.drain();
    while (!signal.aborted && this.#loops.some((loop) => loop.running > 0)) {
      await new Promise((resolve) => setTimeout(resolve, FINISH_POLL_INTERVAL_MS));
    }
  }

  /** Releases the leases of runs in flight, so that others can claim them at once. Call it when nothing executes them. */
  async releaseLeases(): Promise<void> {
    await this.drain();
    for (const loop of this.#loops) loop.abandon();
    const held = this.#loops.flatMap((loop) => loop.workerIds);
    if (held.length > 0) await this.#jobs.release(held);
  }

  /** Wakes parents whose child's message was lost in a crash, and deletes old ended runs. One node at a time suffices. */
  async maintain(): Promise<void> {
    await this.#jobs.wakeParents();
    await this.#jobs.deleteEnded(new Date(Date.now() - ENDED_RUN_TTL_MS));
    this.#notify();
  }

  close(): Promise<void> {
    return this.#jobs.close();
  }

  #onChange(change: 'created' | 'ended'): void {
    this.#notify();
    if (change === 'created') this.#jobs.notifyNodes();
  }

  #notify(): void {
    for (const loop of this.#loops) loop.notify();
  }
}

function namesOf(workflows: readonly AnyWorkflow[]): string[] {
  return workflows.map(({ spec }) => spec.name);
}
