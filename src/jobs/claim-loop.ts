import { Worker } from 'openworkflow';
import type { Backend, WorkflowRun } from 'openworkflow/internal';
import type { Logger } from '../observe/logger.ts';
import { DatabaseRetry, withRetry, withTimeout } from './database-retry.ts';
import { FairScheduler } from './fair-scheduler.ts';
import type { AnyWorkflow, JobStore, WaitingFlow } from './job-store.ts';

/** Interval of the poll that finds runs without a notification, such as those whose lease has expired. */
const POLL_INTERVAL_MS = 1000;
/**
 * Maximum age of a list of waiting flows. A flow that arrives meanwhile waits for the next list. Reading the list for every
 * run that is created or ends would saturate the database.
 */
const WAITING_LIST_MAX_AGE_MS = 500;

export interface ClaimLoopOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** Number of slots: runs that hold one at the same time. As many more may be ending after they released theirs. */
  readonly concurrency: number;
  /** True if this node can execute the flow's runs. Default: always. */
  readonly accepts?: (flow: WaitingFlow) => boolean;
  /** True if the node has memory for one more run beside `running` that hold a slot. Default: always. */
  readonly hasRoom?: (running: number) => boolean;
  /** Called after a run was created or ended here, because other loops and nodes may have work now. */
  readonly onChange: (change: 'created' | 'ended') => void;
}

/** Waiting flows as last read. A flow is removed when other nodes turn out to have taken its runs. */
interface WaitingList {
  readonly flows: WaitingFlow[];
  /** True if the list had flows when it was read. */
  readonly hadFlows: boolean;
  /** Number of notifications received before the read. */
  readonly notifications: number;
  /** Time of the read on the clock of `performance.now()`, in milliseconds. */
  readonly readAtMs: number;
}

/** A run that this node has leased. */
interface HeldRun {
  readonly id: string;
  hasSlot: boolean;
  /** True on a run's first attempt, until its step attempts were listed once. */
  isFirstAttempt: boolean;
  /** Step attempts that could not be marked as ended: a crash of the database lost their rows. */
  readonly lostSteps: Set<string>;
}

/**
 * Claims runs of some workflows, fairly over owners and tasks, and executes them. OpenWorkflow's worker executes runs and
 * extends their leases; this class decides when it claims, and which run it gets.
 *
 * States of the loop:
 * - `claiming`: the worker claims one run for each of its free executors, one after the other.
 * - `idle`: waits for a notification, at most {@link POLL_INTERVAL_MS}.
 * - `stopped`: claims nothing more. Held runs continue.
 *
 * Transitions of the loop:
 * - (new) → `claiming`: {@link start}.
 * - `claiming` → `claiming`: a run was claimed, or a notification came during the claims.
 * - `claiming` → `idle`: nothing was claimed, because no slot is free, no room is left or nothing waits; or the claim failed,
 *   which is logged.
 * - `idle` → `claiming`: {@link notify} while a slot is free, {@link releaseSlot}, or the poll interval has passed.
 * - any → `stopped`: {@link stop}.
 *
 * States of a run:
 * - waiting → held with a slot: claimed.
 * - waiting → unanswered: the claim's reply was lost. The same worker id releases the run before its next claim.
 * - held with a slot → held without: {@link releaseSlot}. The next run may start before this one ends.
 * - held → ended: completed, failed, put to sleep or rescheduled, on which the executor becomes free.
 * - held → waiting: the lease expired, `JobEngine.releaseLeases` released it at shutdown, or a crash of the database lost a
 *   step attempt, so that the run is executed again.
 */
export class ClaimLoop {
  readonly #jobs: JobStore;
  readonly #options: ClaimLoopOptions;
  readonly #log: Logger;
  readonly #names: string[];
  readonly #scheduler = new FairScheduler();
  readonly #worker: Worker;
  /** Held runs by worker id. */
  readonly #held = new Map<string, HeldRun>();
  readonly #retry: DatabaseRetry;
  /** Worker ids whose last claim got no reply: they may hold a run that nothing executes. */
  readonly #unanswered = new Set<string>();
  #waitingList: WaitingList | undefined;
  #claiming: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #endIdle: () => void = () => {};
  #isNotified = false;
  #notifications = 0;

  constructor(jobs: JobStore, options: ClaimLoopOptions, log: Logger) {
    this.#jobs = jobs;
    this.#options = options;
    this.#log = log;
    this.#names = options.workflows.map(({ spec }) => spec.name);
    this.#retry = new DatabaseRetry(log);
    const { workflows, concurrency } = options;
    this.#worker = new Worker({ backend: this.#backend(), workflows: [...workflows], concurrency: 2 * concurrency });
  }

  start(): void {
    void this.#run();
  }

  /** Number of held runs. */
  get running(): number {
    return this.#held.size;
  }

  /** Frees the slot of a held run whose remaining work needs none. The next run may start before this one ends. */
  releaseSlot(runId: string): void {
    const run = this.#heldRun(runId);
    if (!run) return;
    run.hasSlot = false;
    this.#wake();
  }

  /** Claims at once, because runs may be waiting. */
  notify(): void {
    this.#notifications++;
    // Without a free slot there is nothing to claim; releasing one wakes the loop.
    if (this.#usedSlots < this.#options.concurrency) this.#wake();
  }

  /** Stops claiming, and waits for the claims in progress. Held runs continue. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endIdle();
    await this.#claiming;
  }

  /** Abandons held runs: calls that wait for the database never settle. */
  abandon(): void {
    this.#retry.end();
  }

  /** Worker ids that hold the leases of held runs. */
  get workerIds(): string[] {
    return [...this.#held.keys()];
  }

  #wake(): void {
    this.#isNotified = true;
    this.#endIdle();
  }

  #heldRun(runId: string): HeldRun | undefined {
    return this.#held.values().find(({ id }) => id === runId);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#isNotified = false;
      try {
        // Resolves after the claims; claimed runs are executed in the background.
        if ((await this.#worker.tick()) > 0) continue;
      } catch (error) {
        this.#log.warn({ err: error, workflows: this.#names }, 'claim failed');
      }
      // @ts-expect-error TS2367: `notify` may have been called meanwhile
      if (this.#stopped || this.#isNotified === true) continue;
      await this.#idle();
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_INTERVAL_MS);
      this.#endIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #usedSlots(): number {
    return this.#held.values().reduce((sum, { hasSlot }) => sum + Number(hasSlot), 0);
  }

  /**
   * OpenWorkflow's backend with a fair claim, retries while the database is unavailable, times by the database's clock, and
   * notifications of created and ended runs.
   */
  #backend(): Backend {
    const base = withRetry(this.#jobs.backend, this.#retry);
    const ending =
      <P extends { workerId: string }, R>(method: (params: P) => Promise<R>) =>
      async (params: P): Promise<R> => {
        try {
          return await method.call(base, params);
        } finally {
          this.#held.delete(params.workerId);
          // Deferred until the worker's own continuations of this promise have freed its executor.
          setImmediate(() => this.#options.onChange('ended'));
        }
      };
    const endingStep =
      <P extends { workerId: string; stepAttemptId: string }, R>(method: (params: P) => Promise<R>) =>
      async (params: P): Promise<R> => {
        const lostSteps = this.#held.get(params.workerId)?.lostSteps;
        try {
          const ended = await method.call(base, params);
          lostSteps?.delete(params.stepAttemptId);
          return ended;
        } catch (error) {
          lostSteps?.add(params.stepAttemptId);
          throw error;
        }
      };
    const overrides: Partial<Backend> = {
      claimWorkflowRun: (params) => {
        // Serialized, so that each claim sees the slots and turns that the one before took.
        const claim = this.#claiming.then(() => this.#claim(params));
        this.#claiming = claim.catch(() => {});
        return claim;
      },
      createWorkflowRun: async (params) => {
        const run = await base.createWorkflowRun(params);
        this.#options.onChange('created');
        return run;
      },
      listStepAttempts: async (params) => {
        // A first attempt has no steps to list, and a media worker would idle during the query.
        const run = this.#heldRun(params.workflowRunId);
        if (!run?.isFirstAttempt) return base.listStepAttempts(params);
        run.isFirstAttempt = false;
        return { data: [], pagination: { next: null, prev: null } };
      },
      extendWorkflowRunLease: (params) =>
        base.extendWorkflowRunLease(params).catch((error) => {
          // Another node holds the run now, and the database rejects all writes of this one from here on.
          this.#log.warn({ err: error, run: params.workflowRunId }, 'lease not extended');
          return undefined as never;
        }),
      completeWorkflowRun: ending(base.completeWorkflowRun),
      completeStepAttempt: endingStep(base.completeStepAttempt),
      failStepAttempt: endingStep(base.failStepAttempt),
      failWorkflowRun: ending((params) =>
        this.#held.get(params.workerId)?.lostSteps.size ? this.#repeat(params) : base.failWorkflowRun(params),
      ),
      sleepWorkflowRun: ending(async (params) =>
        base.sleepWorkflowRun({ ...params, availableAt: await this.#toDatabaseClock(params.availableAt) }),
      ),
      rescheduleWorkflowRunAfterFailedStepAttempt: ending(async (params) =>
        base.rescheduleWorkflowRunAfterFailedStepAttempt({
          ...params,
          availableAt: await this.#toDatabaseClock(params.availableAt),
        }),
      ),
    };
    return Object.assign(Object.create(base) as Backend, overrides);
  }

  /** Releases a run instead of failing it, so that it is executed again from the steps that the database still has. */
  async #repeat({ workflowRunId, workerId }: { workflowRunId: string; workerId: string }): Promise<WorkflowRun> {
    this.#log.warn({ run: workflowRunId }, 'step lost, run repeated');
    await this.#retry.call('release', () => withTimeout(() => this.#jobs.release([workerId])));
    const run = await this.#retry.call('run', () => this.#jobs.backend.getWorkflowRun({ workflowRunId }));
    return run!;
  }

  /** Converts a time of this node's clock to the clock of the database, which compares it. */
  async #toDatabaseClock(time: Date): Promise<Date> {
    const { asked, now } = await this.#retry.call('now', async () => ({
      asked: Date.now(),
      now: await withTimeout(() => this.#jobs.now()),
    }));
    return new Date(now.getTime() + (time.getTime() - asked));
  }

  async #claim(lease: { workerId: string; leaseDurationMs: number }) {
    const { concurrency, hasRoom = () => true } = this.#options;
    await this.#releaseUnanswered(lease.workerId);
    for (;;) {
      const used = this.#usedSlots;
      if (this.#stopped || used === concurrency || !hasRoom(used)) return null;
      const list = await this.#waiting();
      const flow = this.#scheduler.next(list.flows);
      if (!flow) {
        if (!list.hadFlows) return null;
        this.#waitingList = undefined; // Used up, and the store may have more flows than one list holds.
        continue;
      }
      this.#unanswered.add(lease.workerId);
      const run = await withTimeout(() => this.#jobs.claim(flow, this.#names, lease));
      this.#unanswered.delete(lease.workerId);
      if (!run) {
        // Other nodes have claimed the flow's last runs.
        list.flows.splice(list.flows.indexOf(flow), 1);
        continue;
      }
      this.#scheduler.served(flow);
      this.#held.set(lease.workerId, {
        id: run.id,
        hasSlot: true,
        isFirstAttempt: run.attempts === 1,
        lostSteps: new Set(),
      });
      return run;
    }
  }

  /** Releases the run of a claim whose reply was lost. Otherwise it would stay held until its lease expires. */
  async #releaseUnanswered(workerId: string): Promise<void> {
    if (!this.#unanswered.has(workerId)) return;
    await withTimeout(() => this.#jobs.release([workerId]));
    this.#unanswered.delete(workerId);
    this.#waitingList = undefined;
  }

  /** Waiting flows that this node accepts. A list that was empty when read stays valid only until the next notification. */
  async #waiting(): Promise<WaitingList> {
    const { accepts = () => true } = this.#options;
    const known = this.#waitingList;
    const ageMs = known ? performance.now() - known.readAtMs : Number.POSITIVE_INFINITY;
    if (known && ageMs < WAITING_LIST_MAX_AGE_MS && (known.hadFlows || known.notifications === this.#notifications)) {
      return known;
    }
    const notifications = this.#notifications;
    const flows = (await withTimeout(() => this.#jobs.waiting(this.#names))).filter(accepts);
    this.#waitingList = { flows, hadFlows: flows.length > 0, notifications, readAtMs: performance.now() };
    return this.#waitingList;
  }
}
