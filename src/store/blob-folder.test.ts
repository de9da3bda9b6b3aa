import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { FolderBlobStore } from './blob-folder.ts';
import { blobStoreContract } from './blobs.contract.ts';

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

test('what a crash left half written is swept and was never listed', async () => {
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

test('a disk that is full is named in the error, and nothing half written stays', async () => {
  const root = await temporaryFolder();
  // A limit on the size of files fails like a full disk and needs no disk: the write comes back short, then fails.
  const script = `
    import { FolderBlobStore } from ${JSON.stringify(import.meta.resolve('./blob-folder.ts'))};
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

test('a file system that is really full: the error says so, nothing half written stays, and it works again with room', async (t) => {
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

test('folders in which nothing is left go too', async () => {
  const root = await temporaryFolder();
  const store = new FolderBlobStore(root);
  await store.write('a/b/c', Buffer.from('x'));
  await store.write('a/d', Buffer.from('x'));
  await store.remove('a/b/c');
  assert.deepEqual(await readdir(join(root, 'a')), ['d']);
  await store.remove('a/d');
  assert.ok(!(await readdir(root)).includes('a'));
});
