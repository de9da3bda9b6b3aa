import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { reelvec } from './support/command.ts';
import { makeMedia } from './support/make-media.ts';
import { startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from './support/tasks.ts';

const DAY_SEC = 86_400;

test('doctor beside a running server finds and repairs lost, damaged and orphaned data', async () => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const settings = { REELVEC_BLOBS: `file:${join(dataDir, 'blobs')}`, REELVEC_DATA_DIR: dataDir };
  await using server = await startServer({ dataDir, env: settings });
  const doctor = async (...flags: string[]) => {
    const { code, stdout, stderr } = await reelvec(['doctor', ...flags], { env: settings });
    return { code, stdout: stdout.toString(), stderr };
  };
  const path = (key: string) => join(dataDir, 'blobs', key);

  const film = (name: string, duration: number) =>
    readFileSync(makeMedia(join(folder.path, name), { video: `testsrc2=size=480x360:rate=4:duration=${duration}` }));
  const [first, second] = [film('first.mp4', 5), film('second.mp4', 6)];
  const upload = async (content: Uint8Array) => (await uploadAsset(server, content, 'film.mp4')).body._id as string;
  const [one, same, other] = [await upload(first), await upload(first), await upload(second)];
  assert.ok(!existsSync(path(`assets/${same}/source`)), 'the same content is stored once');
  const embed = async (asset: string) => {
    const id = await createTask(server, asking('video', { asset_id: asset }, { embedding_option: ['visual'] }));
    await ready(server, id);
    return id;
  };
  const third = await upload(film('third.mp4', 5.5));
  const [kept, lost, remade] = [await embed(one), await embed(other), await embed(third)];
  for (const flags of [[], ['--deep'], ['--fix', '--deep']]) {
    const { code, stdout } = await doctor(...flags);
    assert.deepEqual([code, stdout], [0, 'No problems found.\n']);
  }

  const { data } = await ready(server, remade);
  for (const id of [lost, remade]) rmSync(path(`tasks/${id}/result.arrow`));
  appendFileSync(path(`assets/${other}/source`), 'x');
  const damaged = readFileSync(path(`assets/${one}/source`));
  damaged[damaged.length >> 1]! ^= 1;
  writeFileSync(path(`assets/${one}/source`), damaged);
  const orphan = path('tasks/000000000000000000000000/source');
  // Enough that the orphan is no more than a tenth of all.
  const young = Array.from({ length: 10 }, (_, i) => path(`assets/${String(i).padStart(24, '0')}/source`));
  for (const file of [orphan, ...young]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'x');
  }
  const yesterday = Date.now() / 1000 - DAY_SEC;
  utimesSync(orphan, yesterday, yesterday);

  const found = await doctor('--deep');
  assert.equal(found.code, 1);
  assert.match(found.stdout, new RegExp(`tasks/${lost}/result.arrow of a task that is ready is missing\\. With --fix`));
  assert.match(
    found.stdout,
    new RegExp(`of asset ${other} has ${second.length + 1} bytes instead of ${second.length}`),
  );
  assert.match(found.stdout, new RegExp(`of asset ${one} and 1 more is damaged: its SHA-256`));
  assert.match(found.stdout, /tasks\/0{24}\/source \(1 bytes\) has no row: the task is gone/);
  assert.match(found.stdout, /^5 found, 0 repaired/m);
  assert.ok(existsSync(orphan), 'without --fix nothing is changed');
  assert.match((await doctor()).stdout, /^4 found/m);

  const mended = await doctor('--fix', '--deep');
  assert.equal(mended.code, 0, mended.stdout + mended.stderr);
  assert.match(mended.stdout, /^5 found, 5 repaired/m);
  assert.match(mended.stdout, new RegExp(`tasks/${remade}/result.arrow .* Repaired: a server rebuilds it`));
  assert.ok((await ready(server, remade)).data === data, 'the same result');
  assert.deepEqual((await doctor('--deep')).stdout, 'No problems found.\n');
  assert.ok(!existsSync(orphan) && young.every(existsSync));

  for (const id of [one, same, other]) {
    const { body } = await call(server, 'GET', `/assets/${id}`);
    assert.equal(body.status, 'failed');
    assert.match(body.error.message, /lost or damaged/);
  }
  const { body } = await call(server, 'GET', `/embed-v2/tasks/${lost}`);
  assert.equal(body.status, 'failed');
  assert.match(body.error.message, /no longer available/);
  await ready(server, kept);
});

test('doctor reports why it cannot check, with exit code 2', async () => {
  using folder = temporaryFolder();
  const env = {
    REELVEC_DATA_DIR: folder.path,
    REELVEC_BLOBS: 's3://no-such-bucket',
    REELVEC_S3_ENDPOINT: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const { code, stderr } = await reelvec(['doctor'], { env });
  assert.equal(code, 2);
  assert.match(stderr, /check failed: The bucket no-such-bucket at http:\/\/127\.0\.0\.1:9 cannot be used/);
});

test('doctor reports a damaged database and compares nothing with it', async () => {
  using folder = temporaryFolder();
  const env = { REELVEC_BLOBS: `file:${join(folder.path, 'blobs')}`, REELVEC_DATA_DIR: folder.path };
  assert.equal((await reelvec(['keys', 'create', '--name', 'one'], { env })).code, 0);
  assert.equal((await reelvec(['doctor'], { env })).code, 0);
  const orphan = join(folder.path, 'blobs/tasks/000000000000000000000000/source');
  mkdirSync(dirname(orphan), { recursive: true });
  writeFileSync(orphan, 'x');
  const yesterday = Date.now() / 1000 - DAY_SEC;
  utimesSync(orphan, yesterday, yesterday);

  const path = join(folder.path, 'reelvec.db');
  const pages = readFileSync(path);
  writeFileSync(path, pages.fill(0x55, pages.length - 4096));
  const { code, stdout, stderr } = await reelvec(['doctor', '--fix'], { env });
  assert.equal(code, 1, stderr);
  assert.match(stdout.toString(), /reelvec\.db is damaged:\n {2}\S/);
  assert.match(stderr, /The blob store was not checked/);
  assert.ok(existsSync(orphan), 'what such a database says is not acted on');
});
