import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { openDatabase } from '../src/database/open.ts';
import { KeyRepository } from '../src/keys/repository.ts';
import { makeMedia } from './support/make-media.ts';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { asking, call } from './support/tasks.ts';

/** Hostile values for columns. SQLite stores all of them, whatever the column's type. */
const VALUES: readonly SQLInputValue[] = [
  null,
  '',
  'junk',
  'line\nbreak\u0000',
  '[]',
  '{}',
  'null',
  '"text"',
  '{"a":{"b":[1]}}',
  -1,
  0,
  1.5,
  1e308,
  Number.POSITIVE_INFINITY,
  2n ** 60n,
  Buffer.from('bytes'),
];
/** Hostile values inside stored JSON; `9e999` is read as infinite. */
const LEAVES = ['null', '"x"', '-1', '0', '9e999', '[]', '{}'];
/** Columns by which rows are found, not shown. */
const FOUND_BY = new Set(['id', 'owner', 'hash', 'revoked_at', 'task_id', 'upload_id', 'content_id']);

describe('rows with unexpected values', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  let sqlite: DatabaseSync;
  let headers: Record<string, string>;
  const ids: Record<'asset' | 'task' | 'upload', string> = { asset: '', task: '', upload: '' };

  before(async () => {
    const dataDir = stack.use(temporaryFolder()).path;
    const file = join(dataDir, 'tone.flac');
    makeMedia(file, { audio: 'sine=duration=5', audioCodec: FF_ENCODER_FLAC });
    server = stack.use(await startServer({ dataDir, env: { REELVEC_WORKERS: '1' }, unchecked: true }));
    const db = await openDatabase(join(dataDir, 'reelvec.db'));
    const { key } = await new KeyRepository(db).create('hostile', { tasks: 100, bytes: 1e9, minutesPerDay: 1000 });
    await db.destroy();
    headers = { 'x-api-key': key };
    const form = new FormData();
    form.set('method', 'direct');
    form.set('enable_hls', 'true');
    form.set('enable_thumbnail', 'true');
    form.set('user_metadata', '{"title":"tone"}');
    form.set('file', new Blob([readFileSync(file)]), 'tone.flac');
    ids.asset = (await call(server, 'POST', '/assets', { body: form, headers })).body._id;
    const body = asking('audio', { asset_id: ids.asset });
    ids.task = (await call(server, 'POST', '/embed-v2/tasks', { body, headers })).body._id;
    const { body: task } = await call(server, 'GET', `/embed-v2/tasks/${ids.task}?wait=60`, { headers });
    assert.equal(task.status, 'ready', JSON.stringify(task).slice(0, 300));
    const upload = await call(server, 'POST', '/assets/multipart-uploads', {
      body: { filename: 'f.mp4', type: 'video', total_size: 100 },
      headers,
    });
    ids.upload = upload.body.upload_id;
    const put = await fetch(upload.body.upload_urls[0].url, { method: 'PUT', body: Buffer.alloc(100) });
    assert.equal(put.status, 200);
    sqlite = new DatabaseSync(join(dataDir, 'reelvec.db'), { timeout: 10_000 });
    stack.defer(() => sqlite.close());
  });
  after(() => stack.disposeAsync());

  /** Writes each of the values into a column, and asserts that every answer that shows it is 200 and readable. */
  async function tryColumn(
    table: string,
    where: string,
    column: string,
    values: readonly SQLInputValue[],
    paths: string[],
  ) {
    const read = sqlite.prepare(`select ${column} as value from ${table} where ${where}`);
    read.setReadBigInts(true);
    const { value: original } = read.get() as { value: SQLInputValue };
    const write = sqlite.prepare(`update ${table} set ${column} = ? where ${where}`);
    for (const value of values) {
      try {
        write.run(value);
      } catch (error) {
        assert.match(String(error), /constraint failed/);
        continue;
      }
      for (const path of paths) {
        const answer = await call(server, 'GET', path, { headers });
        assert.equal(answer.status, 200, `${table}.${column} = ${value}: GET ${path}: ${answer.text.slice(0, 300)}`);
      }
    }
    write.run(original);
  }

  const columnsOf = (table: string) =>
    (sqlite.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => !FOUND_BY.has(name));

  const SHOWN: readonly [table: string, where: () => string, paths: () => string[]][] = [
    ['assets', () => `id = '${ids.asset}'`, () => ['/assets', `/assets/${ids.asset}`]],
    [
      'tasks',
      () => `id = '${ids.task}'`,
      () => ['/embed-v2/tasks?started_at=1970-01-01T00:00:00Z', `/embed-v2/tasks/${ids.task}?embeddings=false`],
    ],
    [
      'uploads',
      () => `id = '${ids.upload}'`,
      () => ['/assets/multipart-uploads', `/assets/multipart-uploads/${ids.upload}`],
    ],
    [
      'upload_chunks',
      () => `upload_id = '${ids.upload}'`,
      () => ['/assets/multipart-uploads', `/assets/multipart-uploads/${ids.upload}`],
    ],
    ['keys', () => `name = 'hostile' or prefix <> ''`, () => ['/embed-v2/tasks', '/assets']],
  ];
  for (const [table, where, paths] of SHOWN) {
    test(`any value in any column of ${table} leaves lists and items readable`, async () => {
      for (const column of columnsOf(table)) await tryColumn(table, where(), column, VALUES, paths());
    });
  }

  for (const [table, column] of [
    ['assets', 'media'],
    ['tasks', 'media'],
    ['tasks', 'request'],
  ] as const) {
    test(`any value inside the JSON of ${table}.${column} leaves lists and items readable`, async () => {
      const [, where, paths] = SHOWN.find(([name]) => name === table)!;
      const { json } = sqlite.prepare(`select ${column} as json from ${table} where ${where()}`).get() as {
        json: string;
      };
      await tryColumn(table, where(), column, mutations(json), paths());
    });
  }

  test('a task shows no invalid stage', async () => {
    const values = sqlite.prepare('update tasks set status = ?, stage = ? where id = ?');
    values.run('processing', 'junk', ids.task);
    const { status, body } = await call(server, 'GET', `/embed-v2/tasks/${ids.task}`, { headers });
    values.run('ready', 'finalizing', ids.task);
    assert.deepEqual([status, body.status, body.progress], [200, 'processing', undefined]);
  });

  test('valid values are still shown, and omitted ones are in the log', async () => {
    const set = sqlite.prepare('update assets set media = ? where id = ?');
    const { media } = sqlite.prepare('select media from assets where id = ?').get(ids.asset) as { media: string };
    set.run(JSON.stringify({ ...JSON.parse(media), durationSec: null, bitRate: -1 }), ids.asset);
    const { body } = await call(server, 'GET', `/assets/${ids.asset}`, { headers });
    set.run(media, ids.asset);
    assert.equal(body.status, 'ready');
    assert.equal(body.duration, undefined);
    assert.equal(body.technical_metadata.audio_codec, 'flac');
    assert.match(server.output(), /"omitted":\["duration"\]/);
  });

  test('an invalid quota does not lock out its key', async () => {
    const set = sqlite.prepare("update keys set quota_tasks = ?, quota_bytes = ? where name = 'hostile'");
    for (const value of ['junk', -1, 2n ** 60n]) {
      set.run(value, value);
      const body = asking('audio', { asset_id: ids.asset });
      assert.equal((await call(server, 'POST', '/embed-v2/tasks', { body, headers })).status, 202, String(value));
    }
  });
});

/** The same JSON with each of its values replaced in turn. */
function mutations(json: string): string[] {
  const paths: string[][] = [];
  const walk = (value: unknown, path: string[]) => {
    paths.push(path);
    if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name]);
    }
  };
  walk(JSON.parse(json), []);
  const MARK = '@@';
  return paths.flatMap((path) => {
    const whole = { root: JSON.parse(json) };
    let parent: Record<string, never> = whole as never;
    for (const name of ['root', ...path].slice(0, -1)) parent = parent[name]!;
    (parent as Record<string, unknown>)[['root', ...path].at(-1)!] = MARK;
    return LEAVES.map((leaf) => JSON.stringify(whole.root).replace(`"${MARK}"`, leaf));
  });
}
