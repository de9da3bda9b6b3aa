import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { it } from 'node:test';
import { encodeSettings } from '../../test/support/encode-settings.ts';
import { bundleNames, describeBundle, openBundle } from './bundles.ts';

const SETTINGS = encodeSettings(tmpdir());

it('opens every bundle that it names', async () => {
  for (const name of bundleNames()) {
    const bundle = await openBundle(name, SETTINGS);
    assert.equal(bundle.name, name);
    const { visual, audio, transcription } = bundle;
    const parts = { ...(visual && { visual }), ...(audio && { audio }), ...(transcription && { transcription }) };
    assert.deepEqual(
      describeBundle(name).spaces,
      Object.fromEntries(Object.entries(parts).map(([option, { space }]) => [option, space])),
    );
    assert.deepEqual(
      bundle.textQueries.map(({ space }) => space),
      bundle.textQuerySpaces,
    );
    await Promise.all([visual, audio, transcription].map((encoder) => encoder?.close()));
  }
});

it('lists the bundles in the error for an unknown one', async () => {
  await assert.rejects(openBundle('toString'), /no bundle "toString".*signal/);
});
