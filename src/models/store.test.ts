import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/server.ts';
import { ModelStore } from './store.ts';

const REVISION = '0123456789abcdef0123456789abcdef01234567';

test('a file that was replaced by one of the same size and date is read again, and not loaded', async () => {
  using folder = temporaryFolder();
  const store = new ModelStore(folder.path);
  const sha256 = createHash('sha256').update('right').digest('hex');
  const source = { repo: 'acme/one', revision: REVISION, licence: 'MIT', files: { 'model.onnx': { size: 5, sha256 } } };
  const file = { source, path: 'model.onnx' };
  const place = store.pathOf(file);
  mkdirSync(dirname(place), { recursive: true });
  const put = (content: string) => {
    writeFileSync(place, content);
    utimesSync(place, 1e9, 1e9);
  };
  put('right');
  assert.equal(await store.verifiedPath(file), place);
  put('wrong');
  await assert.rejects(store.verifiedPath(file), /model\.onnx does not match the checksum/);
  put('right');
  assert.equal(await store.verifiedPath(file), place);
});
