import type { Workflow } from 'openworkflow';
import type { Backend, WorkflowRun } from 'openworkflow/internal';
import type { Flow } from './fair-scheduler.ts';

/** A workflow with any input and output. */
export type AnyWorkflow = Workflow<unknown, unknown, unknown>;

export type RunStatus = 'unfinished' | 'completed' | 'failed';

/** Input of a run: the owner and subject that it is scheduled by, and the parameters of its workflow. */
export interface RunInput {
  readonly owner?: string;
  readonly taskId?: string;
  readonly assetId?: string;
  readonly [name: string]: unknown;
}

/** A run to create. */
export interface NewRun {
  readonly workflow: string;
  /** Idempotency key: unique per workflow while its run is kept. */
  readonly key: string;
  readonly input: unknown;
}

/** Maximum flows of one owner that a list of waiting flows has, so that no owner fills it. */
export const MAX_FLOWS_PER_OWNER = 200;

/** The runs of one task that wait to be claimed. */
export interface WaitingFlow extends Flow {
  /** Input of the run that has waited longest. All runs of a task and workflow need the same bundle and options. */
  readonly input: RunInput;
  /** Age of the flow by the clock of the database, in seconds. */
  readonly ageSec: number;
}

/**
 * Queries over OpenWorkflow's tables that its own backend lacks. Its backend claims the oldest run of any workflow: one long
 * task or one busy key would block all others, and a worker would get runs that it cannot execute.
 * @see the tables in `openworkflow/dist/sqlite/sqlite.js` and `openworkflow/dist/postgres/postgres.js`
 */
export interface JobStore {
  readonly backend: Backend;
  /** Creates a run and notifies the other nodes, or finds the run with the same workflow and key. @returns the run's id */
  create(run: NewRun): Promise<string>;
  /** Flows with waiting runs of these workflows, oldest first, at most {@link MAX_FLOWS_PER_OWNER} per owner. */
  waiting(names: readonly string[]): Promise<WaitingFlow[]>;
  /** Claims the run of a flow that has waited longest. @returns null if none waits or another node took it */
  claim(
    flow: Flow,
    names: readonly string[],
    lease: { workerId: string; leaseDurationMs: number },
  ): Promise<WorkflowRun | null>;
  /** Current time of the clock that leases and waits are compared with. */
  now(): Promise<Date>;
  /** Subjects of runs of these workflows that no worker holds, sorted: `limit` after `after`. */
  waitingSubjects(names: readonly string[], page: { after: string; limit: number }): Promise<string[]>;
  /** Cancels the runs of these subjects that no worker holds. @returns number of canceled runs */
  cancel(names: readonly string[], subjects: readonly string[]): Promise<number>;
  /** Numbers of waiting and running runs by workflow name. */
  count(): Promise<QueueLength[]>;
  /** Statuses by run id. Unknown runs are absent. */
  statuses(runIds: readonly string[]): Promise<Map<string, RunStatus>>;
  /** Releases the leases of these workers, so that others can claim their runs at once. Default: all leases. */
  release(workerIds?: readonly string[]): Promise<void>;
  /**
   * Wakes sleeping runs that nothing else would wake. OpenWorkflow ends a child and wakes its parent in two statements, and
   * a crash may come between them. A crash of the database may also lose the rows that a sleeping run waits for: its step
   * attempts, or the link to a child.
   */
  wakeParents(): Promise<void>;
  /** Deletes runs that ended before a time. */
  deleteEnded(before: Date): Promise<void>;
  /** Notifies the other nodes that runs are waiting. */
  notifyNodes(): void;
  /** Subscribes to the notifications of other nodes. */
  listen(onNotify: () => void): Promise<void>;
  close(): Promise<void>;
}

export interface QueueLength {
  readonly workflow: string;
  readonly waiting: number;
  readonly running: number;
}

/** Id of a run, derived from its workflow and key: of two concurrent inserts, the second fails on the primary key. */
export function runId({ workflow, key }: Pick<NewRun, 'workflow' | 'key'>): string {
  return `${workflow}/${key}`;
}

export function toStatus(status: string): RunStatus {
  if (status === 'completed' || status === 'succeeded') return 'completed';
  return status === 'failed' || status === 'canceled' ? 'failed' : 'unfinished';
}
