import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SetupError } from '../setup-error.ts';
import { lockModels } from './lock.ts';

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-lock-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a models folder that cannot be created is refused by name', async (t) => {
  const file = join(temporary(t), 'file');
  writeFileSync(file, '');
  await assert.rejects(lockModels(file), (error: Error) => {
    assert.ok(error instanceof SetupError);
    assert.match(error.message, /^The models folder .*file cannot be used: file already exists\. /);
    return true;
  });
});

test('a second lock waits for the first', async (t) => {
  const folder = temporary(t);
  const first = await lockModels(folder);
  const waiting = Promise.withResolvers<void>();
  const second = lockModels(folder, { onWait: waiting.resolve });
  await waiting.promise;
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});
