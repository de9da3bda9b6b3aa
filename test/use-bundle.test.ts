import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../src/encode/recommended.ts';
import { reelvec } from './support/command.ts';
import { bundleFixture, testModels, writeBundle } from './support/model-bundle.ts';
import { ModelHub } from './support/model-hub.ts';
import { startServer, temporaryFolder } from './support/server.ts';
import { call } from './support/tasks.ts';

const REVISION = 'abcdef0123456789abcdef0123456789abcdef01';

describe('the choice of a bundle', () => {
  test('one command downloads it; servers and commands use it from then on', async () => {
    using folder = temporaryFolder();
    await using hub = await ModelHub.start();
    const bundle = await writeBundle(
      folder.path,
      bundleFixture({ repo: 'acme/tiny', revision: REVISION, licence: 'MIT' }),
    );
    const dataDir = join(folder.path, 'data');
    const env = { REELVEC_DATA_DIR: dataDir, HF_ENDPOINT: hub.endpoint };
    const models = async (...args: string[]) => {
      const { code, stdout, stderr } = await reelvec(['models', ...args], { env });
      return { code, stdout: stdout.toString(), stderr };
    };

    const failed = await models('use', bundle);
    assert.deepEqual([failed.code, failed.stdout], [1, '']);
    assert.match(failed.stderr, /^reelvec: .*no vision\.onnx of acme\/tiny[^\n]*\n$/);
    assert.match(
      (await models('list')).stdout,
      /^signal@1 {2}no models, in use$/m,
      'a failed download changes nothing',
    );

    hub.add('acme/tiny', REVISION, testModels());
    const chosen = await models('use', bundle);
    assert.equal(chosen.code, 0, chosen.stderr);
    assert.match(chosen.stdout, /6 files downloaded[\s\S]*is the bundle of .*data\.[\s\S]*The next start uses it\./);
    const { stdout: listed } = await models('list');
    assert.ok(listed.includes(`${bundle}  in use`));
    assert.match(listed, /^clip@.*\n.*\n.*\n {2}about [\d.]+ hours of work per hour of film on this machine$/m);
    assert.match((await models('use', bundle, '--bundle', 'signal')).stdout, /is signal, which wins/);

    await using server = await startServer({ dataDir });
    assert.match((await call(server, 'GET', '//readyz')).body.bundle, /^tiny@1-[0-9a-f]{8}$/);
    assert.doesNotMatch(server.output(), /models use/);
    const elsewhere = { ...env, REELVEC_MODELS_DIR: join(folder.path, 'empty') };
    const { code, stdout } = await reelvec(['doctor'], { env: elsewhere });
    assert.equal(code, 1);
    assert.match(stdout.toString(), /missing: .*vision\.onnx[\s\S]*reelvec models pull/);
    assert.match((await models('use', 'signal')).stdout, /keeps its bundle until it is restarted: restart it now\./);
    await server.stop();

    await using signal = await startServer({ dataDir });
    assert.equal((await call(signal, 'GET', '//readyz')).body.bundle, 'signal@1');
    assert.ok(
      signal.output().includes(`(${recommendedDownload()} of models)`) &&
        signal.output().includes(`models use ${RECOMMENDED_BUNDLE} --data-dir ${dataDir}`),
      'the banner names the command',
    );
  });

  test('an unknown bundle is refused with the names of those there are', async () => {
    using folder = temporaryFolder();
    const { code, stderr } = await reelvec(['models', 'use', 'nope'], { env: { REELVEC_DATA_DIR: folder.path } });
    assert.equal(code, 1);
    assert.match(stderr, /^reelvec: There is no bundle "nope". Known bundles: signal, .*clip.*\.\n$/);
  });
});
