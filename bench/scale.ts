/**
 * Several workers on one PostgreSQL: speed-up of two against one, share of time that is not media work when
 * tasks are short, and latency of task creation while the workers are busy. Each worker is a process that is pinned
 * to a core. Needs Linux, PostgreSQL's programs and `taskset`.
 *   node bench/scale.ts [spread] [short] [create]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { Agent, request } from 'undici';
import { hostFiles } from '../test/support/file-host.ts';
import { loopMedia } from '../test/support/loop-media.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { KEY, type RunningServer, startServer, temporaryFolder } from '../test/support/server.ts';
import { asking, createTask, ready, uploadAsset } from '../test/support/tasks.ts';
import { MEDIA_DIR } from './media.ts';
import { CLI } from './processes.ts';
import { checkTargets, percent } from './report.ts';

const OUT = join(import.meta.dirname, 'out');
const SOURCE = join(MEDIA_DIR, 'video/bbb_first216s_640x360.mp4');
const SOURCE_SEC = 216.02;
/** Repetitions of the source in the film of 61 minutes, of which tasks embed an hour in twelve chunks. */
const HOUR_REPETITIONS = 17;
const HOUR_SEC = 3600;
const SHORT_TASKS = Number(process.env['SHORT_TASKS'] ?? 500);
const SHORT_SEC = 10;
const REQUESTS_PER_SEC = 200;
const REQUESTS_SEC = Number(process.env['REQUESTS_SEC'] ?? 20);
/** Warm-up at the same rate before the measurement, since the figure is for a server that has run for a while. */
const WARM_UP_SEC = 25;
const HOUR_MS = 3_600_000;
const CLOCK_TICKS_PER_SEC = 100;

const wanted = process.argv.slice(2);
const isWanted = (part: string) => wanted.length === 0 || wanted.includes(part);

mkdirSync(OUT, { recursive: true });
await using server = await startPostgres();
await using host = await hostFiles(OUT);
if (isWanted('spread')) await spread();
if (isWanted('short')) await short();
if (isWanted('create')) await create();

/** One task of an hour, on one worker and on two. */
async function spread(): Promise<void> {
  const film = looped('hour', HOUR_REPETITIONS);
  const walls: number[] = [];
  for (const workers of [1, 2]) {
    await using cluster = await startCluster(workers);
    const started = performance.now();
    const body = asking('video', { url: `${host.url}/${film}` }, { end_sec: HOUR_SEC });
    await ready(cluster.api, await createTask(cluster.api, body), HOUR_MS);
    const wall = (performance.now() - started) / 1000;
    walls.push(wall);
    const cpu = cluster.cpuSeconds();
    console.log(`an hour on ${workers}: ${wall.toFixed(1)} s, ${cpu.toFixed(0)} s of a core`);
  }
  const speedup = walls[0]! / walls[1]!;
  checkTargets([
    { what: 'two workers against one', got: `${speedup.toFixed(2)} ×`, want: '≥ 1.8', met: speedup >= 1.8 },
  ]);
}

/** Many short tasks on two workers: share of the workers' time that was not media work. */
async function short(): Promise<void> {
  await using cluster = await startCluster(2);
  const asset = await uploadAsset(cluster.api, readFileSync(SOURCE), 'film.mp4');
  const body = asking('video', { asset_id: asset.body._id }, { end_sec: SHORT_SEC });
  // One task for each, so that both media workers have started.
  const first = await Promise.all([createTask(cluster.api, body), createTask(cluster.api, body)]);
  for (const id of first) await ready(cluster.api, id);
  const before = await cluster.mediaSeconds();
  const started = performance.now();
  const ids: string[] = [];
  for (let i = 0; i < SHORT_TASKS; i++) ids.push(await createTask(cluster.api, body));
  const asked = (performance.now() - started) / 1000;
  await cluster.untilIdle();
  const wall = (performance.now() - started) / 1000;
  const media = (await cluster.mediaSeconds()) - before;
  const outside = 1 - media / (2 * wall);
  console.log(
    `${SHORT_TASKS} tasks of ${SHORT_SEC} s: ${wall.toFixed(1)} s (asked for within ${asked.toFixed(1)} s), ` +
      `${media.toFixed(1)} s of embedding on two workers`,
  );
  checkTargets([{ what: 'time outside media work', got: percent(outside), want: '≤ 5 %', met: outside <= 0.05 }]);
}

/** Creates tasks at a steady rate, whether or not the answers keep up, while two workers embed. */
async function create(): Promise<void> {
  await using cluster = await startCluster(2);
  const asset = await uploadAsset(cluster.api, readFileSync(SOURCE), 'film.mp4');
  const body = JSON.stringify(asking('video', { asset_id: asset.body._id }));
  await createTask(cluster.api, JSON.parse(body));
  await createTask(cluster.api, JSON.parse(body));
  await sleep(5000); // Both workers embed by then.
  const dispatcher = new Agent({ connections: 50 });
  const times: number[] = [];
  const failures: unknown[] = [];
  const started = performance.now();
  const waits = new Set<Promise<void>>();
  let before: Map<string, number> | undefined;
  /** @param due start of the measurement: a load generator that falls behind must not hide a slow server */
  const ask = async (due: number, isMeasured: boolean) => {
    const { statusCode, body: answer } = await request(`${cluster.api.url}/embed-v2/tasks`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
      body,
      dispatcher,
    });
    await answer.dump();
    if (isMeasured) times.push(performance.now() - due);
    if (statusCode !== 202) failures.push(statusCode);
  };
  for (let i = 0; i < REQUESTS_PER_SEC * (WARM_UP_SEC + REQUESTS_SEC); i++) {
    const due = started + (i / REQUESTS_PER_SEC) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    // Listing all processes blocks this one, so it must not coincide with counted requests.
    if (i === REQUESTS_PER_SEC * (WARM_UP_SEC - 1)) before = secondsByPart();
    const asked: Promise<void> = ask(due, i >= REQUESTS_PER_SEC * WARM_UP_SEC)
      .catch((error) => void failures.push(error))
      // Not kept until the end: V8 would copy all of them in each collection, while answers wait.
      .finally(() => waits.delete(asked));
    waits.add(asked);
  }
  await Promise.all(waits);
  const wall = (performance.now() - started) / 1000 - WARM_UP_SEC + 1;
  await dispatcher.close();
  for (const [part, seconds] of secondsByPart()) {
    console.log(`${part}: ${(((seconds - before!.get(part)!) / wall) * 100).toFixed(0)} % of a core`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(share * times.length) - 1]!;
  const p99 = at(0.99);
  console.log(
    `${times.length} tasks at ${REQUESTS_PER_SEC} a second, ${failures.length} refused: ` +
      `median ${at(0.5).toFixed(1)} ms, p90 ${at(0.9).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  );
  checkTargets([{ what: 'create, p99', got: `${p99.toFixed(0)} ms`, want: '< 50 ms', met: p99 < 50 }]);
}

/** Processor time of all processes that share the cores, so far. */
function secondsByPart(): Map<string, number> {
  const of = (pattern: RegExp) =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && pattern.test(commandOf(name)))
      .reduce((sum, pid) => sum + stat(pid).seconds, 0);
  return new Map([
    ['server', of(/cli\.ts serve/)],
    ['PostgreSQL', of(/^postgres: |bin\/postgres /)],
    ['workers', of(/cli\.ts worker/)],
    ['their media workers', of(/media-worker\.ts/)],
    ['this generator', of(/bench\/scale\.ts/)],
  ]);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

interface Cluster extends AsyncDisposable {
  readonly api: RunningServer;
  /** Processor time of all workers with their media workers, so far. */
  cpuSeconds(): number;
  /** Time that all media workers have spent embedding, so far. */
  mediaSeconds(): Promise<number>;
  /** Waits until no task is processing. */
  untilIdle(): Promise<void>;
}

/** A server without workers, and worker nodes of one chunk each, pinned to the cores in turn. */
async function startCluster(workers: number): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const databaseUrl = await server.database();
  const dataDir = stack.use(temporaryFolder()).path;
  const env = {
    REELVEC_DATABASE_URL: databaseUrl,
    REELVEC_BLOBS: `file:${dataDir}/blobs`,
    REELVEC_LOG_LEVEL: 'warn',
    REELVEC_URL_ALLOW: '127.0.0.0/8',
    REELVEC_MAX_UPLOAD_BYTES: String(1e9),
  };
  const api = stack.use(await startServer({ dataDir, env: { ...env, REELVEC_WORKERS: '0' } }));
  const started = await Promise.all(
    Array.from({ length: workers }, (_, core) =>
      startPinned(core, { ...env, REELVEC_API_KEYS: KEY, REELVEC_DATA_DIR: dataDir }),
    ),
  );
  for (const { child } of started) stack.defer(() => void child.kill('SIGKILL'));
  const sql = postgres(databaseUrl, { max: 1 });
  stack.defer(() => sql.end());
  const all = stack.move();
  return {
    api,
    cpuSeconds: () => started.reduce((sum, { child }) => sum + familySeconds(child.pid!), 0),
    async mediaSeconds() {
      let sum = 0;
      for (const { url } of started) {
        const answer = await fetch(new URL('/metrics', url), { headers: { 'x-api-key': KEY } });
        const lines = (await answer.text()).matchAll(/^reelvec_media_seconds_total\{kind="embed"\} (\S+)$/gm);
        for (const [, seconds] of lines) sum += Number(seconds);
      }
      return sum;
    },
    async untilIdle() {
      for (;;) {
        const [row] = await sql`select count(*)::int as n from tasks where status = 'processing'`;
        if (row?.['n'] === 0) return;
        await sleep(50);
      }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function startPinned(core: number, env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const args = ['-c', String(core), process.execPath, CLI, 'worker', '--concurrency', '1', '--worker-port', '0'];
  const child = spawn('taskset', args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (text) => {
      output += text;
      const url = /probes at (http:\S+)/.exec(output)?.[1];
      if (url) resolve({ child, url });
    });
    child.once('close', (code) => reject(new Error(`a worker ended with ${code}: ${output}`)));
  });
}

/** Processor time of a process and its children, including those that have ended. */
function familySeconds(root: number): number {
  const stats = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [Number(pid), stat(pid)] as const),
  );
  const members = [root];
  for (const member of members) for (const [pid, { parent }] of stats) if (parent === member) members.push(pid);
  return members.reduce((sum, pid) => sum + (stats.get(pid)?.seconds ?? 0), 0);
}

function stat(pid: string): { parent: number; seconds: number } {
  try {
    // proc(5): after the name, which may contain anything, come the state, the parent, and from the 12th on four times.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ').map(Number);
    return {
      parent: fields[1]!,
      seconds: (fields[11]! + fields[12]! + fields[13]! + fields[14]!) / CLOCK_TICKS_PER_SEC,
    };
  } catch {
    return { parent: 0, seconds: 0 };
  }
}

function looped(name: string, times: number): string {
  const file = `${name}.mp4`;
  const path = join(OUT, file);
  if (!existsSync(path)) {
    loopMedia(`${path}.part.mp4`, { of: SOURCE, times, everySec: SOURCE_SEC });
    renameSync(`${path}.part.mp4`, path);
  }
  return file;
}
