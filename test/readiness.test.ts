import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesIn } from './support/files.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';

const WITHIN_MS = 10_000;
/** A little longer than the time for which a check is reused. */
const REUSED_MS = 1200;

/** Asks `/readyz` until it has an answer; a check is reused for a second. */
async function untilReadyz(server: RunningServer, status: number): Promise<string> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const answer = await call(server, 'GET', '//readyz');
    if (answer.status === status) return answer.body.message;
    assert.ok(performance.now() < deadline, `/readyz answers ${answer.status} instead of ${status}`);
    await sleep(200);
  }
}

test('a data folder that disappears under a running server is not recreated, and the server works again when it is back', async () => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const away = join(folder.path, 'away');
  const film = readFileSync(
    makeMedia(join(folder.path, 'film.mp4'), { video: 'testsrc=size=480x360:rate=5:duration=5' }),
  );
  const wish = asking('video', { base64_string: film.toString('base64') }, { embedding_option: ['visual'] });
  await using server = await startServer({ dataDir });
  const before = await createTask(server, wish);
  await ready(server, before);
  await untilReadyz(server, 200);

  renameSync(dataDir, away);
  assert.match(await untilReadyz(server, 503), /data folder or its database is not the one/);
  assert.equal((await call(server, 'GET', '//healthz')).status, 200);
  const refused = await call(server, 'POST', '/embed-v2/tasks', { body: wish });
  assert.equal(refused.status, 503, JSON.stringify(refused.body));
  assert.match(refused.body.message, /folder of media and results is not there/);
  // Not 404: the result is not lost.
  assert.equal((await call(server, 'GET', `/embed-v2/tasks/${before}`)).status, 503);
  assert.ok(!existsSync(dataDir), 'no other folder is made in its place');

  renameSync(away, dataDir);
  await untilReadyz(server, 200);
  await ready(server, before);
  await ready(server, await createTask(server, wish));
});

test('a server out of file descriptors is not ready until it has some', async (t) => {
  using folder = temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  const limit = (files: number | string) =>
    execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${files}:`], { stdio: 'pipe' });
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
  } catch {
    return t.skip('needs prlimit');
  }
  // On one connection, because the server could not accept another.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const readyz = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    get(new URL('/readyz', server.url), { agent }, resolve).on('error', reject);
    const answer = await promise;
    return { status: answer.statusCode, body: await text(answer) };
  };
  assert.equal((await readyz()).status, 200);
  await sleep(REUSED_MS);
  limit(8);
  const { status, body } = await readyz();
  assert.equal(status, 503);
  assert.match(body, /cannot open files or write to its disk/);
  limit(1024);
  await sleep(REUSED_MS);
  assert.equal((await readyz()).status, 200);
});

test('all files in a new data folder are private to its owner', async () => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const film = readFileSync(
    makeMedia(join(folder.path, 'film.mp4'), { video: 'testsrc=size=480x360:rate=5:duration=5' }),
  );
  await using server = await startServer({ dataDir });
  const wish = asking('video', { base64_string: film.toString('base64') }, { embedding_option: ['visual'] });
  await ready(server, await createTask(server, wish));
  const mode = (path: string) => statSync(path).mode & 0o777;
  assert.equal(mode(dataDir), 0o700);
  assert.equal(mode(join(dataDir, 'blobs')), 0o700);
  const files = filesIn(dataDir);
  assert.ok(
    files.some((path) => path.endsWith('reelvec.db-wal')) && files.some((path) => path.endsWith('result.arrow')),
  );
  assert.deepEqual(
    files.filter((path) => mode(path) !== 0o600),
    [],
  );
});

test('in a data folder of an older version the databases become private, and a warning names the folder', async () => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  mkdirSync(dataDir);
  for (const name of ['reelvec.db', 'jobs.db']) writeFileSync(join(dataDir, name), '');
  chmodSync(dataDir, 0o755);
  chmodSync(join(dataDir, 'reelvec.db'), 0o644);
  await using server = await startServer({ dataDir });
  const mode = (name: string) => statSync(join(dataDir, name)).mode & 0o777;
  assert.deepEqual(['', 'reelvec.db', 'reelvec.db-wal', 'jobs.db'].map(mode), [0o755, 0o600, 0o600, 0o600]);
  assert.match(server.output(), /may look into the data folder; `chmod 700`/);
});
