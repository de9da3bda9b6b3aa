import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { bundleFixture } from '../../test/support/model-bundle.ts';
import { multimodalFixture } from '../../test/support/multimodal-bundle.ts';
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

it('keeps the revision of a bundle of your own when the format gains fields', () => {
  // A changed revision would make the stored vectors incomparable. The files have no checksums, so the value is constant.
  const { files } = bundleFixture().sources.test;
  const unchecked = Object.fromEntries(Object.keys(files).map((file) => [file, {}]));
  const sources = { test: { folder: 'files', files: unchecked } };
  assert.equal(described((bundle) => ({ ...bundle, sources })).revision, '1-6385b1db');
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
  ['vectors without values', { visual: { ...bundleFixture().visual, output: { dimension: 0 } } }, />=1/],
  ['lengths without 512', { dimensions: [128, 256] }, /must ascend and end with 512/],
] as const) {
  it(`refuses ${what}, and names the place`, () => {
    assert.throws(() => described((bundle) => ({ ...bundle, ...change })), says);
  });
}

describe('a multimodal model of a bundle', () => {
  type Fixture = ReturnType<typeof multimodalFixture>;
  type Model = Fixture['models']['gemma'];
  const describedWith = (change: (model: Model) => object, bundle: object = {}) => {
    const fixture = multimodalFixture();
    return described(() => ({ ...fixture, models: { gemma: change(fixture.models.gemma) }, ...bundle }) as never);
  };
  const video = (change: object) => (model: Model) => ({
    ...model,
    pictures: { ...model.pictures, video: { ...model.pictures.video, ...change } },
  });

  it('gives all options its space, and one text query for all', () => {
    const info = describedWith((model) => model);
    assert.deepEqual(info.spaces, { visual: 'tiny-gemma', audio: 'tiny-gemma', transcription: 'tiny-gemma' });
    assert.deepEqual(info.textQuerySpaces, ['tiny-gemma']);
  });

  it('takes as many pictures of a segment as fit into the model, and not one more', () => {
    describedWith(video({ tokens: 140, perClip: 32 }));
    describedWith(video({ tokens: 280, perClip: 29 }));
    assert.throws(
      () => describedWith(video({ tokens: 280, perClip: 30 })),
      /30 pictures of 280 soft tokens.*8462 tokens.*maxTokens is 8192.*At most 29[\s\S]*models\.gemma\.pictures\.video\.perClip/,
    );
  });

  for (const [what, change, says] of [
    ['another number of tokens per picture', video({ tokens: 100 }), /must be 70, 140 or 280[\s\S]*video\.tokens/],
    ['more than 32 pictures per segment', video({ perClip: 33 }), /<=32[\s\S]*video\.perClip/],
    [
      'sound that does not fit into the model',
      (model: Model) => ({ ...model, text: { ...model.text, maxTokens: 700 }, pictures: undefined }),
      /750 soft tokens of 30 s of sound.*754 tokens.*is 700[\s\S]*sound\.windowSec/,
    ],
    [
      'an encoder that no source has',
      (model: Model) => ({ ...model, sound: { ...model.sound, file: 'test/other.onnx' } }),
      /no file of this[\s\S]*models\.gemma\.sound\.file/,
    ],
    [
      'an option that the model has no encoder for',
      (model: Model) => ({ ...model, sound: undefined }),
      /names gemma, which has no "sound"[\s\S]*audio\.model/,
    ],
  ] as const) {
    it(`is refused with ${what}, which the message names`, () => {
      assert.throws(() => describedWith(change), says);
    });
  }

  it('is refused under a name that the bundle does not have', () => {
    const visual = { kind: 'multimodal', model: 'other' };
    assert.throws(
      () => describedWith((model) => model, { visual }),
      /names other, which is no model.*[\s\S]*visual\.model/,
    );
  });
});

it('describes the fault of a file that is missing or not JSON', () => {
  assert.throws(() => describeBundle('./missing.json'), /cannot be read/);
  writeFileSync(join(folder, 'broken.json'), '{');
  assert.throws(() => describeBundle(join(folder, 'broken.json')), /is not JSON/);
});

it('ships bundles with hub files pinned to a commit, under licences that allow use', () => {
  for (const name of bundleNames()) assert.match(describeBundle(name).licence, /^(MIT|Apache-2\.0)\b/);
});
