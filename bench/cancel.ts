/**
 * Time until a deleted task has freed its worker and its blobs, at moments spread over the work on a real film. Linux.
 *   node bench/cancel.ts          one server with one worker, and a folder
 *   node bench/cancel.ts nodes    one node takes the request, another does the work; needs PostgreSQL
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { hostFiles } from '../test/support/file-host.ts';
import { filesIn } from '../test/support/files.ts';
import { type RunningServer, startServer, startWorker, temporaryFolder } from '../test/support/server.ts';
import { sharedState } from '../test/support/shared-state.ts';
import { asking, call, createTask } from '../test/support/tasks.ts';
import { workersReading } from '../test/support/workers.ts';
import { MEDIA_DIR } from './media.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = 50;
/** Deletions happen within this time after the creation, in milliseconds: download, probe, worker start, embedding. */
const MAX_DELAY_MS = 3000;
/** Maximum wait until the worker and the blobs of a deleted task are gone. */
const FREED_TIMEOUT_MS = 60_000;

interface Place {
  readonly api: RunningServer;
  /** True if no process works on the task and no blob of it is stored. */
  isFree(task: string): Promise<boolean>;
}

await using stack = new AsyncDisposableStack();
const folder = stack.use(temporaryFolder());
const host = stack.use(await hostFiles(join(MEDIA_DIR, 'video')));
const { api, isFree } = process.argv[2] === 'nodes' ? await severalNodes() : await oneServer();

async function oneServer(): Promise<Place> {
  const api = stack.use(await startServer({ dataDir: folder.path, env: { REELVEC_WORKERS: '1' } }));
  const blobs = join(folder.path, 'blobs', 'tasks');
  const files = () => filesIn(blobs);
  return { api, isFree: async () => workersReading(api, '/source').length === 0 && files().length === 0 };
}

/** A media process reads from a bucket through its node, which kills the process when it gives up the run. */
async function severalNodes(): Promise<Place> {
  const state = stack.use(await sharedState());
  const sql = postgres(state.databaseUrl, { max: 1 });
  stack.defer(() => sql.end());
  const node = (name: string, workers: string) => ({
    dataDir: join(folder.path, name),
    env: { ...state.env, REELVEC_WORKERS: workers },
  });
  const api = stack.use(await startServer(node('api', '0')));
  stack.use(await startWorker(node('far', '1')));
  return {
    api,
    async isFree(task) {
      const held = await sql`select from openworkflow.workflow_runs
        where status = 'running' and worker_id is not null and input->>'taskId' = ${task}`;
      return held.length === 0 && !(await state.blobKeys()).some((key) => key.includes(task));
    },
  };
}

const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const id = await createTask(api, asking('video', { url: `${host.url}/bbb_first216s_640x360.mp4` }));
  await sleep((round / ROUNDS) * MAX_DELAY_MS);
  const start = performance.now();
  await call(api, 'DELETE', `/embed-v2/tasks/${id}`);
  while (!(await isFree(id))) {
    if (performance.now() - start > FREED_TIMEOUT_MS) throw new Error(`${id} is not free after a minute`);
    await sleep(20);
  }
  times.push(performance.now() - start);
}
const slowest = Math.max(...times);
const got = `${median(times).toFixed(0)} ms in the median, ${slowest.toFixed(0)} ms at most, ${ROUNDS} times`;
checkTargets([
  { what: 'a deleted task has freed its worker and its files', got, want: '≤ 2000 ms', met: slowest <= 2000 },
]);
