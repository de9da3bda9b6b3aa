import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig, settingFlags } from './config.ts';
import { GIGABYTE, MEGABYTE } from './settings/schemas.ts';
import { flatten } from './settings/setting.ts';
import { SETTINGS } from './settings/table.ts';

const ROOT = join(import.meta.dirname, '..');
const documents = ['*.md', 'docs/**/*.md', 'deploy/**/*'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: entry.name, text: readFileSync(join(entry.parentPath, entry.name), 'utf8') })),
);
/** Rows of Markdown tables that begin with a setting: its name and the next cell. */
const rows = documents.flatMap(({ name: document, text }) =>
  [...text.matchAll(/^\| `(REELVEC_\w+)` *\| *(.*?) *\|/gm)].map(([, name, cell]) => ({
    document,
    name: name!,
    cell: cell!,
  })),
);
/** Settings whose default is not a constant. */
const COMPUTED = ['REELVEC_WORKERS'];

test('the documents name every setting, and no other', () => {
  const names: string[] = settingFlags().map(({ name }) => name);
  const documented = new Set(rows.map(({ name }) => name));
  assert.deepEqual(
    names.filter((name) => !documented.has(name)),
    [],
    'settings without a row in a table',
  );
  for (const { name: document, text } of documents) {
    const unknown = [...text.matchAll(/\bREELVEC_[A-Z0-9_]*[A-Z0-9]\b/g)]
      .map(([name]) => name)
      .filter((name) => !names.includes(name) && !name.startsWith('REELVEC_TEST_'));
    assert.deepEqual(unknown, [], document);
  }
});

test('the documents state the defaults', () => {
  const byName = new Map(flatten(SETTINGS).map((setting) => [setting.name, setting]));
  for (const { document, name, cell } of rows) {
    const { schema } = byName.get(name)!;
    const fallback = schema.parse(undefined);
    const [, size, unit] = /^(\d+) ([MG])B$/.exec(cell) ?? [];
    const literal = size ? String(Number(size) * (unit === 'G' ? GIGABYTE : MEGABYTE)) : /^`([^`]+)`$/.exec(cell)?.[1];
    const where = `${document}: ${name} ${cell}`;
    if (literal !== undefined) assert.deepEqual(schema.parse(literal), fallback, where);
    else if (!COMPUTED.includes(name))
      assert.ok(!fallback || (Array.isArray(fallback) && fallback.length === 0), where);
  }
});

test('values are in the unit of their property', () => {
  const config = readConfig(
    {},
    {
      REELVEC_WORKER_SILENCE_SEC: '1.5',
      REELVEC_WORKER_MEMORY_MB: '200',
      REELVEC_RESULT_TTL: '90s',
      REELVEC_ASSET_TTL: '2d',
      REELVEC_DRAIN_SEC: '0.5',
      REELVEC_INFERENCE_TIMEOUT_SEC: '2',
      REELVEC_QUOTA_TASKS: '3',
    },
  );
  assert.equal(config.workerSilenceMs, 1500);
  assert.equal(config.workerMemoryBytes, 200 * MEGABYTE);
  assert.equal(config.resultTtlMs, 90_000);
  assert.equal(config.assetTtlMs, 172_800_000);
  assert.equal(config.drainMs, 500);
  assert.equal(config.inference.timeoutMs, 2000);
  assert.equal(config.quotas.tasks, 3);
});

test('defaults follow the settings that they depend on', () => {
  const config = readConfig({}, { REELVEC_DATA_DIR: '/srv/reelvec' });
  assert.deepEqual(config.blobs, { kind: 'folder', path: '/srv/reelvec/blobs' });
  assert.equal(config.cacheDir, '/srv/reelvec/cache');
  assert.equal(config.modelsDir, '/srv/reelvec/models');
  assert.equal(config.drainMs, 0);
  const shared = readConfig(
    {},
    {
      REELVEC_DATABASE_URL: 'postgres://db/reelvec',
      REELVEC_BLOBS: 's3://bucket/some/prefix',
      REELVEC_S3_ENDPOINT: 'http://store:9000',
    },
  );
  assert.equal(shared.drainMs, 2000);
  assert.deepEqual(shared.blobs, {
    kind: 's3',
    bucket: 'bucket',
    prefix: 'some/prefix/',
    endpoint: 'http://store:9000',
    publicEndpoint: 'http://store:9000',
    region: 'us-east-1',
    pathStyle: true,
  });
});

test('secrets are collected for redaction', () => {
  const { secrets } = readConfig(
    {},
    {
      REELVEC_API_KEYS: 'key-one, key-two',
      REELVEC_DATABASE_URL: 'postgres://me:pass%20word@db/reelvec',
      REELVEC_WEBHOOKS: '[{"url": "https://hook/services/T0/webhook-path", "secret": "webhook-secret-0"}]',
      REELVEC_INFERENCE_AUTHORIZATION: 'Bearer inference-token',
      HF_TOKEN: 'hub-token',
      AWS_SECRET_ACCESS_KEY: 'aws-key',
      AWS_SESSION_TOKEN: 'aws-token',
    },
  );
  assert.deepEqual(
    [...secrets].sort(),
    [
      '/services/T0/webhook-path',
      'aws-key',
      'aws-token',
      'hub-token',
      'inference-token',
      'key-one',
      'key-two',
      'pass word',
      'pass%20word',
      'webhook-secret-0',
    ].sort(),
  );
});

test('an invalid or unknown setting is named with its rule, and a secret is not repeated', () => {
  const cases: [Record<string, string>, string][] = [
    [{ REELVEC_PROT: '1' }, 'REELVEC_PROT is not a setting of reelvec. See reelvec serve --help.'],
    [{ REELVEC_PORT: 'high' }, '--port (REELVEC_PORT) must be a number: got "high".'],
    [{ REELVEC_WORKERS: '1.5' }, '--workers (REELVEC_WORKERS) must be a whole number: got "1.5".'],
    [{ REELVEC_DRAIN_SEC: '11' }, '--drain-sec (REELVEC_DRAIN_SEC) must be at most 10: got "11".'],
    [
      { REELVEC_RESULT_TTL: 'soon' },
      '--result-ttl (REELVEC_RESULT_TTL) must be a time such as 90s, 15m, 12h or 7d, or never.',
    ],
    [
      { REELVEC_WEBHOOKS: '[{"url": "https://hook", "secret": "short"}]' },
      '--webhooks (REELVEC_WEBHOOKS).0.secret must have at least 16 characters.',
    ],
  ];
  for (const [environment, message] of cases) {
    assert.throws(() => readConfig({}, environment), new ConfigError(message));
  }
  assert.equal(readConfig({}, { REELVEC_PORT: '' }).port, 1212, 'an empty variable is unset');
});
