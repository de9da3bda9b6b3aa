import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { makeMedia } from './support/make-media.ts';
import { childrenOf, KEY, startServer, temporaryFolder } from './support/server.ts';
import { asking, call, createTask, ready } from './support/tasks.ts';
import { environmentOf, hasInMemory } from './support/workers.ts';

/** Part of every secret below, so that one search finds them all. */
const MARK = 'planted-1d7e5';
const SECRETS: Readonly<Record<string, string>> = {
  REELVEC_API_KEYS: `${KEY},${MARK}-key`,
  REELVEC_WEBHOOKS: JSON.stringify([{ url: 'http://127.0.0.1:9/x', secret: `${MARK}-webhook` }]),
  REELVEC_INFERENCE_AUTHORIZATION: `Bearer ${MARK}`,
  AWS_ACCESS_KEY_ID: `${MARK}-id`,
  AWS_SECRET_ACCESS_KEY: `${MARK}-s3`,
  AWS_SESSION_TOKEN: `${MARK}-session`,
  PGPASSWORD: `${MARK}-postgres`,
  DATABASE_URL: `postgres://user:${MARK}@db/reelvec`,
  HF_TOKEN: `${MARK}-hub`,
  HUGGING_FACE_HUB_TOKEN: `${MARK}-hub`,
  HTTPS_PROXY: `http://user:${MARK}@127.0.0.1:9`,
  NVIDIA_API_KEY: `${MARK}-nvidia`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${MARK}`,
  A_SECRET_OF_SOMETHING_ELSE: MARK,
};

describe('workers', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  test('have no secret of the server in their environment or memory', async () => {
    using folder = temporaryFolder();
    const film = makeMedia(join(folder.path, 'film.mp4'), {
      video: 'testsrc=size=360x360:rate=12:duration=6',
      audio: 'sine=frequency=440:duration=6',
    });
    const sound = makeMedia(join(folder.path, 'sound.flac'), {
      audio: 'sine=frequency=440:duration=6',
      audioCodec: FF_ENCODER_FLAC,
    });
    const base64 = (path: string) => ({ base64_string: readFileSync(path).toString('base64') });
    await using server = await startServer({
      dataDir: join(folder.path, 'data'),
      env: { ...SECRETS, REELVEC_WORKERS: '1', LC_ALL: 'C.UTF-8' },
    });
    // A task for the media and probe workers, and a query for each kind of query worker.
    await ready(server, await createTask(server, asking('video', base64(film))));
    const queries = [
      { input_type: 'text', model_name: 'marengo3.0', text: { input_text: 'a lighthouse' } },
      asking('audio', base64(sound)),
    ];
    for (const body of queries) assert.equal((await call(server, 'POST', '/embed-v2', { body })).status, 200);

    assert.ok(hasInMemory(server.pid, MARK), 'the search finds what is there');
    const workers = childrenOf(server.pid);
    assert.equal(workers.length, 4, 'one that embeds, one that probes, and two for queries');
    for (const pid of workers) {
      const environment = environmentOf(pid);
      assert.deepEqual(
        environment.filter((entry) => entry.includes(MARK) || entry.includes(KEY)),
        [],
      );
      assert.ok(environment.includes(`PATH=${process.env['PATH']}`) && environment.includes('LC_ALL=C.UTF-8'));
      assert.ok(!hasInMemory(pid, MARK), 'no secret came as a message either');
    }
  });
});
