import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { blobStoreContract } from '../../../test/support/contracts/blob-store.ts';
import { FolderBlobStore } from './store.ts';
import { FolderUploadStore } from './uploads.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reelvec-blobs-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

blobStoreContract('A folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelvec-blobs-'));
  return { store: new FolderBlobStore(root), close: () => rm(root, { recursive: true, force: true }) };
});

test('a write that fails leaves no temporary file', async () => {
  const root = await temporaryFolder();
  const broken = async function* () {
    yield Buffer.from('half');
    throw new Error('broken off');
  };
  await assert.rejects(new FolderBlobStore(root).write('a/b', broken()), /broken off/);
  assert.deepEqual(await readdir(join(root, '.tmp')), []);
});

test('a half-written blob of a crash is swept and never listed', async () => {
  const root = await temporaryFolder();
  const store = new FolderBlobStore(root);
  await store.write('whole', Buffer.from('x'));
  await mkdir(join(root, '.tmp'), { recursive: true });
  await writeFile(join(root, '.tmp', 'left-over'), 'half');
  assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['whole']);
  await store.sweepTemporary({ idleMs: 60_000 });
  assert.deepEqual(await readdir(join(root, '.tmp')), ['left-over']);
  await store.sweepTemporary({ idleMs: 0 });
  assert.deepEqual(await readdir(join(root, '.tmp')), []);
  await store.write('again', Buffer.from('x'));
});

test('the error of a full disk says so, and no half-written blob stays', async () => {
  const root = await temporaryFolder();
  // A file size limit fails like a full disk without needing one: a short write, then an error.
  const script = `
    import { FolderBlobStore } from ${JSON.stringify(import.meta.resolve('./store.ts'))};
    process.on('SIGXFSZ', () => {});
    const store = new FolderBlobStore(${JSON.stringify(root)});
    await store.write('small', Buffer.alloc(1000));
    const error = await store.write('large', Buffer.alloc(5_000_000)).catch((error) => error);
    console.log(error.code, error.message);`;
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -f 2000 && exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ]);
  assert.match(stdout, /^service_unavailable The server has no room left/);
  assert.deepEqual(await Array.fromAsync(new FolderBlobStore(root).list(''), ({ key }) => key), ['small']);
  assert.deepEqual(await readdir(join(root, '.tmp')), []);
});

test('a full file system: the error says so, no half-written blob stays, and writes succeed once there is space', async (t) => {
  const root = await temporaryFolder();
  const mount = promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root]);
  if (await mount.then(() => false).catch(() => true)) return t.skip('mounting a small file system needs root');
  try {
    const store = new FolderBlobStore(root);
    await store.write('small', Buffer.alloc(500_000));
    for (const content of [Buffer.alloc(4_000_000), endless()]) {
      await assert.rejects(store.write('large', content), { code: 'service_unavailable', message: /no room left/ });
    }
    assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['small']);
    assert.deepEqual(await readdir(join(root, '.tmp')), []);
    await store.remove('small');
    assert.equal((await store.write('large', Buffer.alloc(1_500_000))).size, 1_500_000);
  } finally {
    await promisify(execFile)('umount', [root]);
  }
});

async function* endless() {
  for (;;) yield Buffer.alloc(65_536);
}

test('empty folders are removed', async () => {
  const root = await temporaryFolder();
  const store = new FolderBlobStore(root);
  await store.write('a/b/c', Buffer.from('x'));
  await store.write('a/d', Buffer.from('x'));
  await store.remove('a/b/c');
  assert.deepEqual(await readdir(join(root, 'a')), ['d']);
  await store.remove('a/d');
  assert.ok(!(await readdir(root)).includes('a'));
});

test('removing a prefix removes the empty folders above it', async () => {
  const root = await temporaryFolder();
  const store = new FolderBlobStore(root);
  await store.write('tasks/a/chunks/0000', Buffer.from('x'));
  await store.write('tasks/a/source', Buffer.from('x'));
  await store.write('tasks/b/result', Buffer.from('x'));
  // As for a failed task, in any order.
  await store.remove('tasks/a/source');
  await store.remove('tasks/a/sources/');
  await store.remove('tasks/a/chunks/');
  await store.remove('tasks/a/chunks/');
  assert.deepEqual(await readdir(join(root, 'tasks')), ['b']);
  await store.remove('tasks/b/nothing/deeper');
  await store.remove('tasks/b/');
  assert.deepEqual(await readdir(root), ['.tmp']);
});

test('a missing or replaced folder is not recreated, and does not count as empty', async () => {
  const root = await temporaryFolder();
  const place = join(root, 'blobs');
  const store = new FolderBlobStore(place);
  const uploads = new FolderUploadStore(place);
  await store.write('tasks/a/result', Buffer.from('x'));
  const upload = await uploads.begin('assets/b/source', { size: 1, partSize: 1 });
  const part = await uploads.intake.write(upload, 1, Readable.from([Buffer.from('x')]));
  await rename(place, join(root, 'away'));
  for (const isReplaced of [false, true]) {
    if (isReplaced) await mkdir(place);
    const gone = { code: 'service_unavailable', message: /folder of media and results is not there/ };
    await assert.rejects(store.write('tasks/a/other', Buffer.from('x')), gone);
    await assert.rejects(store.write('top', Buffer.alloc(5_000_000)), gone);
    await assert.rejects(buffer(store.read('tasks/a/result')), gone);
    await assert.rejects(store.stat('tasks/a/result'), gone);
    await assert.rejects(
      store.use('tasks/a/result', async () => {}),
      gone,
    );
    await assert.rejects(Array.fromAsync(store.list('tasks/')), gone);
    await assert.rejects(store.remove('tasks/a/'), gone);
    await assert.rejects(store.checkWritable());
    await assert.rejects(uploads.complete(upload, [part]));
    assert.deepEqual(await readdir(root), isReplaced ? ['away', 'blobs'] : ['away']);
  }
  assert.deepEqual(await readdir(place), []);
  await rm(place, { recursive: true });
  await rename(join(root, 'away'), place);
  assert.equal((await buffer(store.read('tasks/a/result'))).toString(), 'x');
  await store.write('tasks/a/other', Buffer.from('x'));
  assert.deepEqual(await uploads.complete(upload, [part]), { size: 1 });
});
