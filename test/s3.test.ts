import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BlockCache } from '../src/blobs/s3/block-cache.ts';
import { RangeServer } from '../src/blobs/s3/range-server.ts';
import { S3BlobStore } from '../src/blobs/s3/store.ts';
import { readConfig } from '../src/config.ts';
import { openBundle } from '../src/encode/bundles.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { mediaWorkers } from '../src/start/media-workers.ts';
import type { EmbedJob } from '../src/workers/protocol.ts';
import { blackBox } from './support/black-box.ts';
import { loopMedia } from './support/loop-media.ts';
import { madeMaterial } from './support/made-material.ts';
import { makeMedia } from './support/make-media.ts';
import { s3Settings } from './support/s3.ts';
import { s3Server } from './support/s3-server.ts';

const MEGABYTE = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), 'reelvec-s3-'));
after(() => rmSync(folder, { recursive: true }));

blackBox('media made on the spot, with the blobs in a bucket', () => madeMaterial(folder), { settings: s3Settings });

for (const name of ['index-at-the-end.mp4', 'film.mkv', 'film.ts']) {
  test(`${name}: a chunk from the middle of a long film reads only its bytes from the bucket, with the same vectors`, async () => {
    const round = makeMedia(join(folder, `round-${name}`), {
      video: 'testsrc2=size=640x360:rate=12:duration=5',
      audio: 'anoisesrc=color=pink:duration=5',
    });
    // A key frame every 5 s, as in broadcasts: without an index, the search for one reads the distance between two.
    const film = loopMedia(join(folder, name), { of: round, times: 80, everySec: 5.125 });
    const { size } = statSync(film);
    const media = probe(film);
    const range = { startSec: media.durationSec / 2, endSec: media.durationSec / 2 + 20 };
    const job: Omit<EmbedJob, 'path'> = {
      range,
      segmentation: { strategy: 'fixed', durationSec: 5 },
      options: ['visual', 'audio'],
      ...(media.clock && { clock: media.clock }),
    };
    const local = await embedChunk({ ...job, path: film }, await openBundle('signal'), () => {});

    await using s3 = await s3Server();
    const cache = join(folder, `cache-of-${name}`);
    await using store = new S3BlobStore({
      bucket: s3.bucket(),
      prefix: '',
      endpoint: s3.endpoint,
      region: 'us-east-1',
      pathStyle: true,
      ranges: new RangeServer({
        cache: new BlockCache({ folder: cache, maxBytes: 3 * MEGABYTE }),
        blockBytes: MEGABYTE / 2,
      }),
    });
    await store.write('film', createReadStream(film));
    await using workers = mediaWorkers(readConfig({}, {}), { size: 1 });
    s3.requests.length = 0;
    const remote = await store.use('film', (path) => workers.run<'embed'>({ kind: 'embed', ...job, path }));
    const fetched = s3.requests.filter(({ method }) => method === 'GET').reduce((sum, { bytes }) => sum + bytes, 0);
    assert.deepEqual(remote.segments, local.segments);
    assert.deepEqual(remote.vectors, local.vectors);
    assert.deepEqual([remote.damages, remote.missingSec], [local.damages, local.missingSec]);
    const share = (size * 20) / media.durationSec;
    assert.ok(fetched < size / 4, `${fetched} of ${size} bytes`);
    assert.ok(fetched < 2 * share + 6 * MEGABYTE, `${fetched} for ${Math.round(share)} bytes of media`);
    const kept = readdirSync(cache).reduce((sum, file) => sum + statSync(join(cache, file)).size, 0);
    assert.ok(kept <= 3 * MEGABYTE, `${kept} bytes in the cache`);

    const whole = await store.use('film', (path) => workers.run<'probe'>({ kind: 'probe', path }));
    assert.deepEqual(whole, { ...media, size });
    rmSync(film);
  });
}
