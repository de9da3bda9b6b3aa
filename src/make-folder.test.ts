import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFolder, makeFolderSync } from './make-folder.ts';

/** A folder that its file system refuses with ENOENT although the parent exists. */
const UNMAKEABLE = '/proc/nope/data';
const VARIANTS = { makeFolder, makeFolderSync: async (path: string) => makeFolderSync(path) };

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-make-folder-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

for (const [name, make] of Object.entries(VARIANTS)) {
  test(`${name} creates a folder and its parents, also concurrently, and keeps an existing one`, async (t) => {
    const path = join(temporary(t), 'a/b/c');
    await Promise.all(Array.from({ length: 8 }, () => make(path)));
    writeFileSync(join(path, 'file'), '');
    await make(path);
    assert.ok(statSync(join(path, 'file')).isFile());
  });

  test(`${name} rejects a file, and a folder in one`, async (t) => {
    const file = join(temporary(t), 'file');
    writeFileSync(file, '');
    await assert.rejects(make(file), { code: 'EEXIST' });
    await assert.rejects(make(join(file, 'a/b')), { code: /EEXIST|ENOTDIR/ });
  });

  test(`${name} rejects a folder that cannot be created`, { skip: process.platform !== 'linux' }, () => {
    // In a process of its own: an endless loop in the thread would not be ended by a timeout of the test.
    const script = `
      import { ${name} } from './make-folder.ts';
      try { await ${name}('${UNMAKEABLE}'); } catch (error) { console.log(error.code); }`;
    const output = execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    assert.equal(output, 'ENOENT\n');
  });
}

test('makeFolderSync creates all folders with the same mode', (t) => {
  const path = join(temporary(t), 'a/b');
  makeFolderSync(path, 0o700);
  for (const folder of [path, join(path, '..')]) assert.equal(statSync(folder).mode & 0o777, 0o700);
});
