import type { Workflow } from 'openworkflow';
import { ReelvecError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { ClaimLoop, type ClaimLoopOptions } from './claim-loop.ts';
import type { AnyWorkflow, JobStore, QueueLength, RunStatus } from './job-store.ts';
import { PostgresJobStore } from './job-store-postgres.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

export type { AnyWorkflow, QueueLength, RunStatus, WaitingFlow } from './job-store.ts';

/** How long what is known of ended runs is kept, and with it the keys that they were started with. */
const KEEP_ENDED_MS = 7 * 24 * 3600 * 1000;
const LOOK_MS = 50;
/** OpenWorkflow allows a run no more step attempts. */
const MOST_STEPS = 1000;

export interface RunFailure {
  /** The error that ended the run, for the log. */
  readonly error: string | undefined;
  /** What a client may be told: the words of the error that ended the run, where it was meant for clients. */
  readonly reason: string | undefined;
  /** 0 where the run failed outside its steps, or was canceled. */
  readonly attempts: number;
}

/** Durable workflows: what was started goes on after a crash from the last step that was finished. */
export class JobEngine {
  readonly #jobs: JobStore;
  readonly #log: Logger;
  readonly #loops: ClaimLoop[] = [];

  private constructor(jobs: JobStore, log: Logger) {
    this.#jobs = jobs;
    this.#log = log;
  }

  /**
   * The engine of one process: what a dead one held is given back at once.
   * @param path of a SQLite file of its own, which no other process uses
   */
  static async openEmbedded(path: string, log: Logger): Promise<JobEngine> {
    const jobs = new SqliteJobStore(path);
    await jobs.release();
    return new JobEngine(jobs, log);
  }

  /**
   * The engine of one node of several: what a dead one held is given back when its lease of 30 s has run out.
   * @param url of a Postgres database. Its tables are brought up to date: call it on one node at a time.
   */
  static async openShared(url: string, log: Logger): Promise<JobEngine> {
    const engine = new JobEngine(await PostgresJobStore.open(url), log);
    await engine.#jobs.listen(() => engine.#hear());
    return engine;
  }

  /** Starts a run, or finds the one that was started with the same key before. @returns the run's id */
  async start<Input, Output>(workflow: Workflow<Input, Output, Input>, input: Input, key: string): Promise<string> {
    const id = await this.#jobs.create({ workflow: workflow.spec.name, key, input });
    this.#hear();
    return id;
  }

  /** How runs stand; what is not known is not in the answer. */
  statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>> {
    return this.#jobs.statuses(runIds);
  }

  /** Why a run failed, and how often the step was tried that it failed at. */
  async failureOf(runId: string): Promise<RunFailure> {
    const { backend } = this.#jobs;
    const run = await backend.getWorkflowRun({ workflowRunId: runId });
    const error = run?.error?.message;
    const reason = run?.error?.name === ReelvecError.name ? error : undefined;
    const { data: steps } = await backend.listStepAttempts({ workflowRunId: runId, limit: MOST_STEPS });
    const failed = steps.filter(({ status }) => status === 'failed');
    const last = failed.at(-1);
    if (last?.childWorkflowRunId) return { ...(await this.failureOf(last.childWorkflowRunId)), error, reason };
    return { error, reason, attempts: failed.filter(({ stepName }) => stepName === last?.stepName).length };
  }

  /** What runs of these workflows are there for that nobody works on now, in order: `limit` after one. */
  waitingSubjects(workflows: readonly AnyWorkflow[], page: { after: string; limit: number }): Promise<string[]> {
    return this.#jobs.waitingSubjects(namesOf(workflows), page);
  }

  /** Ends the runs of these subjects that nobody works on now. @returns how many */
  cancel(workflows: readonly AnyWorkflow[], subjects: readonly string[]): Promise<number> {
    return this.#jobs.cancel(namesOf(workflows), subjects);
  }

  /** How many runs wait or are worked on, on all nodes. */
  count(): Promise<QueueLength[]> {
    return this.#jobs.count();
  }

  /** Takes work on. Lanes do not wait for each other. */
  work(options: Omit<ClaimLoopOptions, 'onChange'>): void {
    const loop = new ClaimLoop(this.#jobs, { ...options, onChange: (what) => this.#onChange(what) }, this.#log);
    this.#loops.push(loop);
    loop.start();
  }

  /** What is yet to be done of a run that is worked on here needs no place: the next may begin before it ends. */
  releaseSlot(runId: string): void {
    for (const loop of this.#loops) loop.releaseSlot(runId);
  }

  /** Begins nothing any more. */
  async drain(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** Takes on no more work, and waits for what is under way until the signal says that it was long enough. */
  async finish(signal: AbortSignal): Promise<void> {
    await this.drain();
    while (!signal.aborted && this.#loops.some((loop) => loop.running > 0)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Hands what is still under way over to whoever comes next. Call it when nothing works on it any more. */
  async releaseLeases(): Promise<void> {
    await this.drain();
    for (const loop of this.#loops) loop.abandon();
    const held = this.#loops.flatMap((loop) => loop.workerIds);
    if (held.length > 0) await this.#jobs.release(held);
  }

  /** Mends what crashes left and forgets what is long over. One node at a time is enough. */
  async maintain(): Promise<void> {
    await this.#jobs.wakeParents();
    await this.#jobs.forget(new Date(Date.now() - KEEP_ENDED_MS));
    this.#hear();
  }

  close(): Promise<void> {
    return this.#jobs.close();
  }

  #onChange(what: 'made' | 'ended'): void {
    this.#hear();
    if (what === 'made') this.#jobs.announce();
  }

  #hear(): void {
    for (const loop of this.#loops) loop.hear();
  }
}

function namesOf(workflows: readonly AnyWorkflow[]): string[] {
  return workflows.map(({ spec }) => spec.name);
}
