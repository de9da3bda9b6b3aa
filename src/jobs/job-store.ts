import type { Workflow } from 'openworkflow';
import type { Backend, WorkflowRun } from 'openworkflow/internal';
import type { Flow } from './fair-scheduler.ts';

/** A workflow of any input and output. */
export type AnyWorkflow = Workflow<unknown, unknown, unknown>;

export type RunStatus = 'unfinished' | 'completed' | 'failed';

/** What every run is told: whose it is, by which turns are taken, beside what its workflow needs. */
export interface RunInput {
  readonly owner?: string;
  readonly taskId?: string;
  readonly assetId?: string;
  readonly [name: string]: unknown;
}

/** A run that is to be made. */
export interface NewRun {
  readonly workflow: string;
  /** One run of a workflow has it, for as long as that is kept. */
  readonly key: string;
  readonly input: unknown;
}

/** The runs of one task that wait for a worker. */
export interface WaitingFlow extends Flow {
  /** Of the one that waits longest. All runs of a task that have a name ask for the same. */
  readonly input: RunInput;
  /** How long it has been there, by the clock of the database. */
  readonly ageSec: number;
}

/**
 * What the engine needs of a database beside OpenWorkflow's own backend, over the same tables: that claims the oldest
 * run of any name, which lets one long task and one busy key block the others, and a worker get what it cannot do.
 * @see the tables in `openworkflow/dist/sqlite/sqlite.js` and `openworkflow/dist/postgres/postgres.js`
 */
export interface JobStore {
  readonly backend: Backend;
  /** Makes a run and tells the other nodes of it; or finds the one that has its workflow and key already. @returns its id */
  create(run: NewRun): Promise<string>;
  /** Whether runs of these workflows wait, at most some hundred of an owner, the oldest first. */
  waiting(names: readonly string[]): Promise<WaitingFlow[]>;
  /** Takes the run of a flow that waits longest. @returns null when another took it, or there is none */
  claim(
    flow: Flow,
    names: readonly string[],
    lease: { workerId: string; leaseDurationMs: number },
  ): Promise<WorkflowRun | null>;
  /** What the clock says that leases and waits go by. */
  now(): Promise<Date>;
  /** What runs of these workflows are there for that nobody works on now, in order: `limit` after one. */
  waitingSubjects(names: readonly string[], page: { after: string; limit: number }): Promise<string[]>;
  /** Ends the runs of these subjects that nobody works on now. @returns how many */
  cancel(names: readonly string[], subjects: readonly string[]): Promise<number>;
  /** How many runs wait or are worked on, by the name of their workflow. */
  count(): Promise<QueueLength[]>;
  /** How runs stand; what is not known is not in the answer. */
  statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>>;
  /** Gives back the runs that these workers hold, for others to take at once; without ids, every held one. */
  release(workerIds?: readonly string[]): Promise<void>;
  /**
   * Wakes runs whose child has ended while its message was lost: OpenWorkflow ends a child and wakes its parent in two
   * steps, and a crash may come between them.
   */
  wakeParents(): Promise<void>;
  /** Removes runs that ended before a time. */
  forget(endedBefore: Date): Promise<void>;
  /** Tells the other nodes that there is work. */
  announce(): void;
  /** Hears what other nodes announce. */
  listen(onNews: () => void): Promise<void>;
  close(): Promise<void>;
}

export interface QueueLength {
  readonly workflow: string;
  readonly waiting: number;
  readonly running: number;
}

/** What a run with a key is known by, so that of two that make it at the same time one finds it made. */
export function runId({ workflow, key }: Pick<NewRun, 'workflow' | 'key'>): string {
  return `${workflow}/${key}`;
}

export function toStatus(status: string): RunStatus {
  if (status === 'completed' || status === 'succeeded') return 'completed';
  return status === 'failed' || status === 'canceled' ? 'failed' : 'unfinished';
}
