import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { bundleFixture } from '../../test/support/model-bundle.ts';
import { bundleNames, describeBundle } from './bundles.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-bundle-file-'));
after(() => rmSync(folder, { recursive: true }));

/** Description of the fixture bundle after a change. */
function described(change: (bundle: ReturnType<typeof bundleFixture>) => object) {
  const path = join(folder, 'own.json');
  writeFileSync(path, JSON.stringify(change(bundleFixture())));
  return describeBundle(path);
}

it('accepts a whole bundle, and lists its capabilities', () => {
  const info = described((bundle) => bundle);
  assert.deepEqual(info.spaces, { visual: 'tiny/visual', audio: 'tiny/audio', transcription: 'tiny/text' });
  assert.deepEqual(info.textQuerySpaces, ['tiny/visual', 'tiny/text']);
  assert.deepEqual(info.dimensions, [128, 256, 512]);
  assert.equal(info.memoryBytes, 100 * 1024 ** 2);
});

it('changes the revision of a custom bundle with any change of its file', () => {
  const before = described((bundle) => bundle).revision;
  assert.equal(described((bundle) => bundle).revision, before);
  const other = described((bundle) => ({ ...bundle, visual: { ...bundle.visual, batch: 4 } })).revision;
  assert.match(other, /^1-[0-9a-f]{8}$/);
  assert.notEqual(other, before);
});

for (const [what, change, says] of [
  ['a field that means nothing', { colour: 'red' }, /Unrecognized key.*colour/],
  ['a file that no source has', { visual: { ...bundleFixture().visual, file: 'test/other.onnx' } }, /no file of this/],
  [
    'a branch in place of a commit',
    { sources: { test: { repo: 'a/b', revision: 'main', licence: 'MIT', files: {} } } },
    /→ at sources/,
  ],
  ['a way out of the folder', { sources: { test: { folder: '.', files: { '../secret': {} } } } }, /→ at sources/],
  [
    'no encoder at all',
    { visual: undefined, audio: undefined, transcription: undefined, textQueries: [] },
    /no encoder/,
  ],
  ['a query in a space that nothing lies in', { visual: undefined }, /no option lies in space tiny\/visual/],
  [
    'two queries of one space',
    { textQueries: [0, 0].map(() => bundleFixture().textQueries[0]) },
    /a text query already/,
  ],
  ['fewer values than 512', { visual: { ...bundleFixture().visual, output: { dimension: 384 } } }, />=512/],
  ['lengths without 512', { dimensions: [128, 256] }, /must ascend and end with 512/],
] as const) {
  it(`refuses ${what}, and names the place`, () => {
    assert.throws(() => described((bundle) => ({ ...bundle, ...change })), says);
  });
}

it('describes the fault of a file that is missing or not JSON', () => {
  assert.throws(() => describeBundle('./missing.json'), /cannot be read/);
  writeFileSync(join(folder, 'broken.json'), '{');
  assert.throws(() => describeBundle(join(folder, 'broken.json')), /is not JSON/);
});

it('ships bundles with hub files pinned to a commit, under licences that allow use', () => {
  for (const name of bundleNames()) assert.match(describeBundle(name).licence, /^(MIT|Apache-2\.0)\b/);
});
