/**
 * How fast a deleted task frees its worker and its files, at moments spread over the work on a real film. Linux.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostFiles } from '../test/support/file-host.ts';
import { startServer, temporaryFolder, until } from '../test/support/server.ts';
import { asking, call, createTask } from '../test/support/tasks.ts';
import { workersReading } from '../test/support/workers.ts';
import { MEDIA_DIR } from './media.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = 50;
/** Moments lie up to this long after the creation: download, probe, start of a worker, embedding. Milliseconds. */
const LATEST_MS = 3000;

using folder = temporaryFolder();
await using host = await hostFiles(join(MEDIA_DIR, 'video'));
await using server = await startServer({ dataDir: folder.path, env: { REELVEC_WORKERS: '1' } });
const blobs = join(folder.path, 'blobs');
const files = () => readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const id = await createTask(server, asking('video', { url: `${host.url}/bbb_first216s_640x360.mp4` }));
  await sleep((round / ROUNDS) * LATEST_MS);
  const start = performance.now();
  await call(server, 'DELETE', `/embed-v2/tasks/${id}`);
  await until(() => workersReading(server, '/source').length === 0 && files().length === 0, 60_000, 'all is freed');
  times.push(performance.now() - start);
}
const slowest = Math.max(...times);
const got = `${median(times).toFixed(0)} ms in the median, ${slowest.toFixed(0)} ms at most, ${ROUNDS} times`;
checkTargets([
  { what: 'a deleted task has freed its worker and its files', got, want: '≤ 2000 ms', met: slowest <= 2000 },
]);
