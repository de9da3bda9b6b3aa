import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { makeMedia } from './support/make-media.ts';
import { startServer, temporaryFolder } from './support/server.ts';
import { NO_POSTGRES, sharedState } from './support/shared-state.ts';
import { call } from './support/tasks.ts';

test('the file name of an asset is found case-insensitively in any script, in both databases', {
  skip: NO_POSTGRES,
}, async () => {
  await using shared = await sharedState();
  for (const env of [{}, shared.env]) {
    using data = temporaryFolder();
    await using server = await startServer({ dataDir: data.path, env });
    const form = new FormData();
    form.set('method', 'direct');
    const media = makeMedia(join(data.path, 'm.flac'), { audio: 'sine=duration=4', audioCodec: FF_ENCODER_FLAC });
    form.set('file', new Blob([Uint8Array.from(readFileSync(media))]), 'ÜBUNG_Ολυμπία.flac');
    await call(server, 'POST', '/assets', { body: form });
    for (const part of ['übung', 'ΟΛΥΜΠΊΑ', 'g_ο']) {
      const found = await call(server, 'GET', `/assets?filename=${encodeURIComponent(part)}`);
      assert.equal(found.body.page_info.total_results, 1, part);
    }
    const none = await call(server, 'GET', '/assets?filename=%25b');
    assert.equal(none.body.page_info.total_results, 0);
  }
});
