import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readConfig } from '../config.ts';
import { readChosenBundle, writeChosenBundle } from './chosen-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-choice-'));
after(() => rmSync(folder, { recursive: true }));

const bundleOf = (dataDir: string, environment: Record<string, string> = {}) => {
  const { bundle, isBundleSet } = readConfig({}, { REELVEC_DATA_DIR: dataDir, ...environment });
  return { bundle, isBundleSet };
};

test('a choice is kept in the data folder, which is created for it', () => {
  const dataDir = join(folder, 'new/data');
  assert.equal(readChosenBundle(dataDir), undefined);
  writeChosenBundle(dataDir, 'clip');
  writeChosenBundle(dataDir, '/models/mine.json');
  assert.equal(readChosenBundle(dataDir), '/models/mine.json');
  assert.deepEqual(readdirSync(dataDir), ['bundle'], 'and nothing else');
});

test('the settings have the choice of their data folder; the environment wins', () => {
  const dataDir = join(folder, 'data');
  assert.deepEqual(bundleOf(dataDir), { bundle: 'signal', isBundleSet: false });
  writeChosenBundle(dataDir, 'clip');
  assert.deepEqual(bundleOf(dataDir), { bundle: 'clip', isBundleSet: false });
  assert.deepEqual(bundleOf(dataDir, { REELVEC_BUNDLE: 'signal' }), { bundle: 'signal', isBundleSet: true });
  assert.deepEqual(bundleOf(dataDir, { REELVEC_BUNDLE: '' }), { bundle: 'clip', isBundleSet: false });
});

test('an empty file is no choice, and neither is a data folder that is a file', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '\n');
  assert.equal(readChosenBundle(file), undefined);
  const dataDir = join(folder, 'blank');
  writeChosenBundle(dataDir, '');
  assert.equal(readChosenBundle(dataDir), undefined);
});
