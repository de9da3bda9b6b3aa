import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bundleNames, describeBundle, openBundle } from './bundles.ts';

it('opens every bundle that it names', async () => {
  for (const name of bundleNames()) {
    const bundle = await openBundle(name);
    assert.equal(bundle.name, name);
    assert.deepEqual(describeBundle(name).spaces, {
      visual: bundle.visual.space,
      audio: bundle.audio.space,
      transcription: bundle.transcription.space,
    });
    assert.deepEqual(
      bundle.textQueries.map(({ space }) => space),
      bundle.textQuerySpaces,
    );
    await Promise.all([bundle.visual.close(), bundle.audio.close(), bundle.transcription.close()]);
  }
});

it('says which bundles there are when asked for one that is not', async () => {
  await assert.rejects(openBundle('toString'), /no bundle "toString".*signal/);
});
