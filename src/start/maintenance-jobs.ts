import type { Assets } from '../assets/open.ts';
import { refreshStatistics } from '../database/statistics.ts';
import { cancelOrphanedRuns } from '../jobs/cancel-orphaned-runs.ts';
import type { AnyWorkflow } from '../jobs/engine.ts';
import type { MaintenanceJob } from '../jobs/maintenance.ts';
import { reconcile } from '../jobs/reconcile.ts';
import type { Logger } from '../observe/logger.ts';
import { sweepSlot, type sweepWorkflow } from '../retention/workflow.ts';
import type { State } from './state.ts';
import type { Tasks } from './tasks.ts';
import type { Webhooks } from './webhooks.ts';

/** Retention of answers to requests with an `Idempotency-Key`. Milliseconds. */
const IDEMPOTENCY_TTL_MS = 24 * 3600 * 1000;

export interface MaintenanceJobsOptions {
  readonly state: State;
  readonly assets: Assets;
  readonly tasks: Tasks;
  readonly sweep: ReturnType<typeof sweepWorkflow>;
  readonly webhooks: Webhooks;
  readonly log: Logger;
}

/** Jobs of a node's maintenance, in order. */
export function maintenanceJobs({
  state,
  assets,
  tasks,
  sweep,
  webhooks,
  log,
}: MaintenanceJobsOptions): readonly MaintenanceJob[] {
  const { db, engine, quotas, idempotency } = state;
  return [
    { name: 'statistics', run: () => refreshStatistics(db) },
    { name: 'uploads', deletesByAge: true, run: () => assets.multipart.expire() },
    { name: 'tasks', run: () => reconcileTasks(state, tasks, log) },
    { name: 'assets', run: () => reconcileAssets(state, assets, log) },
    { name: 'orphaned runs', run: () => cancelRunsOfEndedTasks(state, tasks) },
    { name: 'webhooks', run: () => webhooks.maintain() },
    { name: 'quotas', deletesByAge: true, run: () => quotas.prune() },
    {
      name: 'sweep',
      run: () => {
        const { slot, key } = sweepSlot(new Date());
        return engine.start(sweep, { slot }, key);
      },
    },
    {
      name: 'idempotency keys',
      deletesByAge: true,
      run: () => idempotency.prune(new Date(Date.now() - IDEMPOTENCY_TTL_MS).toISOString()),
    },
    { name: 'runs', run: () => engine.maintain() },
  ];
}

function reconcileTasks({ engine, tasks }: State, { start }: Tasks, log: Logger): Promise<void> {
  return reconcile({
    engine,
    log,
    unstarted: () => tasks.unstarted(),
    started: (page) => tasks.started(page),
    unfinished: (id) => tasks.get(id).then((task) => (task?.status === 'processing' ? task : undefined)),
    start,
    fail: (id, error) => tasks.setFailed(id, error),
  });
}

function reconcileAssets({ engine, assets }: State, { start }: Assets, log: Logger): Promise<void> {
  return reconcile({
    engine,
    log,
    unstarted: () => assets.unstarted(),
    started: (page) => assets.started(page),
    unfinished: (id) => assets.get(id).then((asset) => (asset?.status === 'processing' ? asset : undefined)),
    start: ({ id }) => start(id),
    fail: (id, error) => assets.setFailed(id, error),
  });
}

function cancelRunsOfEndedTasks(
  { engine, tasks }: State,
  { work, embedTask, embedChunk }: Pick<Tasks, 'work' | 'embedTask' | 'embedChunk'>,
): Promise<number> {
  return cancelOrphanedRuns({
    engine,
    workflows: [embedTask, embedChunk] as AnyWorkflow[],
    unfinished: (ids) => tasks.unfinished(ids),
    tidy: (id) => work.tidy(id),
  });
}
