import { Worker } from 'openworkflow';
import type { Backend } from 'openworkflow/internal';
import type { Logger } from '../observe/logger.ts';
import { DatabaseRetry, withRetry, withTimeout } from './database-retry.ts';
import { FairScheduler } from './fair-scheduler.ts';
import type { AnyWorkflow, JobStore, WaitingFlow } from './job-store.ts';

/** A loop looks for work when it hears of some, and this often by itself: for leases that ran out. Milliseconds. */
const LOOK_MS = 1000;
/**
 * A list of what waits is good for so long, or until what is on it is taken; whoever comes meanwhile waits for the next.
 * Reading it for every run that is made or ends would keep the database busy with nothing else. Milliseconds.
 */
const LIST_MS = 500;

export interface ClaimLoopOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** Places: runs at a time that need one. As many again may be ending, which have left theirs. */
  readonly concurrency: number;
  /** Whether this node can do what a run asks for; absent, it can do all. */
  readonly accepts?: (flow: WaitingFlow) => boolean;
  /** Whether there is room for one more beside so many that have a place; absent, there always is. */
  readonly hasRoom?: (running: number) => boolean;
  /** Told of runs that were made or ended here: others may have work now. */
  readonly onChange: (what: 'made' | 'ended') => void;
}

/** What waits, as it was read: what others have taken since comes off. */
interface List {
  readonly flows: WaitingFlow[];
  /** Whether there was anything on it when it was read. */
  readonly hadSome: boolean;
  /** How often there had been news when it was asked for. */
  readonly heard: number;
  readonly at: number;
}

/** A run under way. */
interface HeldRun {
  readonly id: string;
  hasPlace: boolean;
  /** Whether nobody has begun it before. */
  isNew: boolean;
}

/**
 * Works on runs of some workflows, as many at a time as there are places, and takes them by turns. OpenWorkflow's worker
 * does the work and keeps the leases; when it looks for a run, and which it gets, is decided here.
 */
export class ClaimLoop {
  readonly #jobs: JobStore;
  readonly #options: ClaimLoopOptions;
  readonly #log: Logger;
  readonly #names: string[];
  readonly #scheduler = new FairScheduler();
  readonly #worker: Worker;
  /** Runs under way, by their worker id. */
  readonly #held = new Map<string, HeldRun>();
  readonly #retry: DatabaseRetry;
  /** Worker ids whose last claim was not withTimeout: they may hold a run that nobody works on. */
  readonly #unanswered = new Set<string>();
  #list: List | undefined;
  #claiming: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #wake: () => void = () => {};
  #hasNews = false;
  /** How often there was news. */
  #heard = 0;
  #loop: Promise<void> | undefined;

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
    this.#loop = this.#run();
  }

  /** Runs under way. */
  get running(): number {
    return this.#held.size;
  }

  /** What is yet to be done of a run needs no place: the next may begin before it ends. */
  releaseSlot(runId: string): void {
    const run = this.#heldRun(runId);
    if (!run) return;
    run.hasPlace = false;
    this.#look();
  }

  /** There may be work: look at once. */
  hear(): void {
    this.#heard++;
    // Without a free place there is nothing to look for; who leaves one, looks.
    if (this.#taken < this.#options.concurrency) this.#look();
  }

  /** Takes on no more work. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#loop;
    await this.#claiming;
  }

  /** Works on nothing any more: what still waits for the database never goes on. */
  abandon(): void {
    this.#retry.end();
  }

  /** What the runs under way are held by, for them to be released. */
  get workerIds(): string[] {
    return [...this.#held.keys()];
  }

  #look(): void {
    this.#hasNews = true;
    this.#wake();
  }

  #heldRun(runId: string): HeldRun | undefined {
    return this.#held.values().find(({ id }) => id === runId);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#hasNews = false;
      try {
        // Not awaited to its end: what it claims runs on by itself.
        if ((await this.#worker.tick()) > 0) continue;
      } catch (error) {
        this.#log.warn({ err: error, workflows: this.#names }, 'no work could be looked for');
      }
      // @ts-expect-error TS2367: `hear` may have come meanwhile
      if (this.#stopped || this.#hasNews === true) continue;
      await this.#news();
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Places that runs have. */
  get #taken(): number {
    return this.#held.values().reduce((sum, { hasPlace }) => sum + Number(hasPlace), 0);
  }

  /** OpenWorkflow's backend, but for the claim, for retry with a database that is away, and for news of what it does. */
  #backend(): Backend {
    const base = withRetry(this.#jobs.backend, this.#retry);
    const ending =
      <P extends { workerId: string }, R>(method: (params: P) => Promise<R>) =>
      async (params: P): Promise<R> => {
        try {
          return await method.call(base, params);
        } finally {
          this.#held.delete(params.workerId);
          // Not before the worker has its place free again, which it has when this promise's followers have run.
          setImmediate(() => this.#options.onChange('ended'));
        }
      };
    const overrides: Partial<Backend> = {
      claimWorkflowRun: (params) => {
        // One after the other: each must see what the one before took.
        const claim = this.#claiming.then(() => this.#claim(params));
        this.#claiming = claim.catch(() => {});
        return claim;
      },
      createWorkflowRun: async (params) => {
        const run = await base.createWorkflowRun(params);
        this.#options.onChange('made');
        return run;
      },
      listStepAttempts: async (params) => {
        // Of one that nobody has begun there is nothing to read, and a media worker waits for the answer.
        const run = this.#heldRun(params.workflowRunId);
        if (!run?.isNew) return base.listStepAttempts(params);
        run.isNew = false;
        return { data: [], pagination: { next: null, prev: null } };
      },
      extendWorkflowRunLease: (params) =>
        base.extendWorkflowRunLease(params).catch((error) => {
          // Another has the run by now: what this one writes of it is refused from here on.
          this.#log.warn({ err: error, run: params.workflowRunId }, 'lease not extended');
          return undefined as never;
        }),
      completeWorkflowRun: ending(base.completeWorkflowRun),
      failWorkflowRun: ending(base.failWorkflowRun),
      sleepWorkflowRun: ending(async (params) =>
        base.sleepWorkflowRun({ ...params, availableAt: await this.#byDatabase(params.availableAt) }),
      ),
      rescheduleWorkflowRunAfterFailedStepAttempt: ending(async (params) =>
        base.rescheduleWorkflowRunAfterFailedStepAttempt({
          ...params,
          availableAt: await this.#byDatabase(params.availableAt),
        }),
      ),
    };
    return Object.assign(Object.create(base) as Backend, overrides);
  }

  /** A time by this node's clock, by that of the database: the one who compares it. */
  async #byDatabase(time: Date): Promise<Date> {
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
      const taken = this.#taken;
      if (this.#stopped || taken === concurrency || !hasRoom(taken)) return null;
      const list = await this.#waiting();
      const flow = this.#scheduler.next(list.flows);
      if (!flow) {
        if (!list.hadSome) return null;
        this.#list = undefined; // all of it is taken, and there may be more than a list holds
        continue;
      }
      this.#unanswered.add(lease.workerId);
      const run = await withTimeout(() => this.#jobs.claim(flow, this.#names, lease));
      this.#unanswered.delete(lease.workerId);
      if (!run) {
        // Other workers have taken what there was of it.
        list.flows.splice(list.flows.indexOf(flow), 1);
        continue;
      }
      this.#scheduler.served(flow);
      this.#held.set(lease.workerId, {
        id: run.id,
        hasPlace: true,
        isNew: run.attempts === 1,
      });
      return run;
    }
  }

  /** Gives back what a claim took whose answer was lost: else it would be held until its lease runs out. */
  async #releaseUnanswered(workerId: string): Promise<void> {
    if (!this.#unanswered.has(workerId)) return;
    await withTimeout(() => this.#jobs.release([workerId]));
    this.#unanswered.delete(workerId);
    this.#list = undefined;
  }

  /** What there is to choose from. One that was read as empty is good until there is news. */
  async #waiting(): Promise<List> {
    const { accepts = () => true } = this.#options;
    const known = this.#list;
    const age = known ? performance.now() - known.at : Number.POSITIVE_INFINITY;
    if (known && age < LIST_MS && (known.hadSome || known.heard === this.#heard)) return known;
    const heard = this.#heard;
    const flows = (await withTimeout(() => this.#jobs.waiting(this.#names))).filter(accepts);
    this.#list = { flows, hadSome: flows.length > 0, heard, at: performance.now() };
    return this.#list;
  }
}
