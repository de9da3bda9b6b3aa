import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { blobsIn } from './support/files.ts';
import { makeMedia } from './support/make-media.ts';
import { startServer, temporaryFolder } from './support/server.ts';
import { call, uploadAsset } from './support/tasks.ts';

/** A lost, empty or outdated database never leads to the loss of a file. */
describe('a server without its database', () => {
  const folder = temporaryFolder();
  const original = join(folder.path, 'original');
  let older: string;
  before(async () => {
    const film = (name: string, duration: number) =>
      readFileSync(makeMedia(join(folder.path, name), { video: `testsrc=size=320x240:rate=5:duration=${duration}` }));
    {
      await using server = await startServer({ dataDir: original });
      assert.equal((await uploadAsset(server, film('one.mp4', 1), 'one.mp4')).body.status, 'ready');
      assert.equal(await server.stop(), 0);
    }
    older = join(folder.path, 'older.db');
    cpSync(join(original, 'reelvec.db'), older);
    await using server = await startServer({ dataDir: original });
    assert.equal((await uploadAsset(server, film('two.mp4', 2), 'two.mp4')).body.status, 'ready');
    assert.equal(await server.stop(), 0);
    assert.equal(blobsIn(original).length, 2);
  });
  after(() => folder[Symbol.dispose]());

  /** A copy of the data folder, and operations on it. */
  const copy = (name: string) => {
    const dataDir = join(folder.path, name);
    cpSync(original, dataDir, { recursive: true });
    const database = join(dataDir, 'reelvec.db');
    const run = async (args: string[], more = {}) => {
      const env = { REELVEC_DATA_DIR: dataDir, REELVEC_PORT: '0', REELVEC_LOG_LEVEL: 'error', ...more };
      const { code, stdout, stderr } = await reelvec(args, { env });
      return { code, stdout: stdout.toString(), stderr };
    };
    /** No start and no check may change a file. */
    const refuses = async (reason: RegExp, env = {}) => {
      const files = readdirSync(join(dataDir, 'blobs'), { recursive: true });
      for (const args of [['serve'], ['doctor'], ['doctor', '--fix']]) {
        const { code, stdout, stderr } = await run(args, env);
        assert.equal(code, 1, `${args}: ${stdout}${stderr}`);
        assert.match(stderr, reason);
        assert.match(stderr, /Nothing was changed\. .*--claim.*--delete-unknown/);
        assert.doesNotMatch(stderr, /\n {4}at /);
        if (args[0] === 'doctor') assert.match(stdout, /^\d of 2 blobs \(\d+ bytes\) have no row/);
      }
      assert.deepEqual(readdirSync(join(dataDir, 'blobs'), { recursive: true }), files);
    };
    return { dataDir, database, run, refuses };
  };

  test('refuses to start without the file, creates no new one, and starts when it is back', async () => {
    const { dataDir, database, refuses } = copy('moved');
    renameSync(database, `${database}.aside`);
    await refuses(/belong to another database/);
    assert.ok(!existsSync(database));
    renameSync(`${database}.aside`, database);
    await using server = await startServer({ dataDir });
    assert.equal(blobsIn(dataDir).length, 2);
    assert.equal((await call(server, 'GET', '/assets')).body.page_info.total_results, 2);
  });

  test('refuses to start with an empty file, or one that another command created', async () => {
    const { dataDir, database, run, refuses } = copy('empty');
    truncateSync(database, 0);
    await refuses(/belong to another database/);
    assert.equal((await run(['keys', 'create'])).code, 0);
    assert.match((await run(['serve'])).stderr, /belong to another database/);
    assert.equal(blobsIn(dataDir).length, 2);
  });

  test('refuses to start with a new database beside blobs without a claim', async () => {
    const { dataDir, database, refuses } = copy('unclaimed');
    rmSync(join(dataDir, 'blobs/database'), { recursive: true });
    rmSync(database);
    await refuses(/this database knows none of them/);
  });

  test('refuses to start if the blobs are missing', async () => {
    const { dataDir, run } = copy('unmounted');
    renameSync(join(dataDir, 'blobs'), join(dataDir, 'elsewhere'));
    mkdirSync(join(dataDir, 'blobs'));
    for (const args of [['serve'], ['doctor', '--fix']]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 1);
      assert.match(stderr, /media and results of this database are not at .*mount it/);
    }
    assert.deepEqual(blobsIn(dataDir), []);
    await using server = await startServer({ dataDir, env: { REELVEC_BLOBS: `file:${join(dataDir, 'elsewhere')}` } });
    assert.equal((await call(server, 'GET', '/assets')).body.page_info.total_results, 2);
  });

  test('works with a new database after doctor --claim, and keeps all blobs', async () => {
    const { dataDir, database, run, refuses } = copy('claimed');
    rmSync(database);
    await refuses(/belong to another database/);
    const { code, stdout } = await run(['doctor', '--claim']);
    assert.equal(code, 0);
    assert.match(stdout, /2 blobs \(\d+ bytes\) without a row were kept/);
    {
      await using server = await startServer({ dataDir });
      assert.equal(await server.stop(), 0);
    }
    assert.equal(blobsIn(dataDir).length, 2);
    const checked = await run(['doctor', '--fix']);
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /2 of 2 blobs .*existed when this database took over the blobs/);
    assert.equal(blobsIn(dataDir).length, 2);
  });

  test('refuses to start with a backup until it is accepted; only --delete-unknown deletes', async () => {
    const { dataDir, database, run, refuses } = copy('restored');
    for (const file of [database, `${database}-wal`, `${database}-shm`]) rmSync(file, { force: true });
    cpSync(older, database);
    await refuses(/newer copy of this database/);
    assert.equal((await run(['doctor', '--claim'])).code, 0);
    assert.equal(blobsIn(dataDir).length, 2);
    {
      await using server = await startServer({ dataDir });
      assert.match((await run(['doctor', '--delete-unknown'])).stderr, /in use by the reelvec server/);
      assert.equal(await server.stop(), 0);
    }
    assert.equal(blobsIn(dataDir).length, 2);
    const { code, stdout } = await run(['doctor', '--delete-unknown']);
    assert.equal(code, 0);
    assert.match(stdout, /^Deleted assets\/[0-9a-f]{24}\/source .*\n1 blobs \(\d+ bytes\) were deleted/m);
    assert.equal(blobsIn(dataDir).length, 1);
    assert.equal((await run(['doctor', '--deep'])).stdout, 'No problems found.\n');
  });
});
