import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostFiles } from './support/file-host.ts';
import { blobsIn } from './support/files.ts';
import { makeMedia } from './support/make-media.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';
import {
  childrenOf,
  isAlive,
  KEY,
  processesOf,
  type RunningServer,
  startServer,
  temporaryFolder,
  until,
} from './support/server.ts';

/** Requests, in turn, so that kills meet every path: fixed and dynamic segments, some and all options. */
const WISHES = [
  { segmentation: { strategy: 'fixed', fixed: { duration_sec: 5 } } },
  { segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec: 3 } } },
  { embedding_option: ['audio'], embedding_scope: ['asset'] },
];

const folder = mkdtempSync(join(tmpdir(), 'reelvec-crash-'));
after(() => rmSync(folder, { recursive: true }));

test('two chunks of generated media: no task that was answered with 202 is lost by kill -9', {
  timeout: 300_000,
}, () => {
  const file = 'long.mp4';
  // Six minutes, two chunks, that decode in a moment.
  makeMedia(join(folder, file), {
    video: 'testsrc2=size=480x360:rate=1:duration=360',
    audio: 'anoisesrc=color=brown:duration=360',
  });
  return survivesKills({ folder, file, kills: 5, longestMs: 1500 });
});

test(
  'real media: nothing that was answered 202 is lost by kill -9 at 20 random moments',
  { skip: NO_REAL_MEDIA, timeout: 400_000 },
  () =>
    survivesKills({
      folder: join(REAL_MEDIA, 'video'),
      file: 'bbb_first216s_640x360.mp4',
      range: { start_sec: 30, end_sec: 90 },
      kills: 20,
      longestMs: 2500,
    }),
);

async function survivesKills(options: {
  folder: string;
  file: string;
  range?: { start_sec: number; end_sec: number };
  kills: number;
  longestMs: number;
}): Promise<void> {
  const { file, range, kills, longestMs } = options;
  const overrides = WISHES.map((wish) => ({ ...wish, ...range }));
  await using host = await hostFiles(options.folder);
  const url = `${host.url}/${file}`;

  using calm = temporaryFolder();
  const expected: string[] = [];
  {
    await using server = await startServer({ dataDir: calm.path });
    for (const wish of overrides) expected.push(await result(server, await create(server, url, wish)));
  }

  using data = temporaryFolder();
  const tasks: { id: string; wish: number }[] = [];
  for (let kill = 0; kill < kills; kill++) {
    await using server = await startServer({ dataDir: data.path });
    const wish = kill % overrides.length;
    tasks.push({ id: await create(server, url, overrides[wish]!), wish });
    // The last kill comes at once, so that there is work to resume after it.
    await sleep(kill === kills - 1 ? 0 : randomInt(longestMs));
    const workers = childrenOf(server.pid);
    await server.kill();
    // Every other time the workers survive and have to notice by themselves.
    if (kill % 2 === 0) for (const pid of workers.filter(isAlive)) process.kill(pid, 'SIGKILL');
    await until(() => workers.every((pid) => !isAlive(pid)), 15_000, 'workers end with their server');
  }

  await using server = await startServer({ dataDir: data.path });
  await until(() => /"msg":"(chunk embedded|task ready)"/.test(server.output()), 60_000, 'unfinished work is taken up');
  for (const { id, wish } of tasks) {
    // Not assert.equal: it would print megabytes.
    assert.ok((await result(server, id)) === expected[wish], `task ${id} has the result of an undisturbed run`);
  }
  assert.equal(await server.stop(), 0);
  assert.deepEqual(processesOf(server, data.path), [], 'no process is left');
  const left = blobsIn(data.path).map((path) => basename(path));
  assert.deepEqual([...new Set(left)], ['result.arrow'], 'results are all that is left');
  assert.equal(left.length, tasks.length);
}

async function create(server: RunningServer, url: string, wish: object): Promise<string> {
  const response = await fetch(`${server.url}/embed-v2/tasks`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ input_type: 'video', model_name: 'marengo3.0', video: { media_source: { url }, ...wish } }),
  });
  const body = (await response.json()) as { _id: string };
  assert.equal(response.status, 202, JSON.stringify(body));
  return body._id;
}

/** The text of `data`, once the task is ready. */
async function result(server: RunningServer, id: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${server.url}/embed-v2/tasks/${id}?wait=60`, { headers: { 'x-api-key': KEY } });
    const text = await response.text();
    const { status, error } = JSON.parse(text);
    if (status === 'processing') continue;
    assert.equal(status, 'ready', JSON.stringify(error));
    return text.slice(text.indexOf('"data":'));
  }
}
