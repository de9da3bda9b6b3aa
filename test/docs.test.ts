import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { type RunningServer, startServer, temporaryFolder } from './support/server.ts';
import { call, ready, uploadAsset } from './support/tasks.ts';

const CHROMIUM = programNamed('chromium', 'chromium-browser', 'google-chrome');
const NO_CHROMIUM = CHROMIUM === undefined && 'Chromium is not installed';
/** Any name but localhost, for which browsers make exceptions. */
const HOST = 'reelvec.test';

interface Operation {
  readonly requestBody?: {
    readonly content: Record<string, { example?: unknown; examples?: Record<string, { value: unknown }> }>;
  };
}

describe('the documentation that a server serves', () => {
  const stack = new AsyncDisposableStack();
  let server: RunningServer;
  before(async () => {
    server = stack.use(await startServer({ dataDir: stack.use(temporaryFolder()).path }));
  });
  after(() => stack.disposeAsync());

  /** The page at a path as HTML, after its scripts have run in a browser. */
  async function shown(path: string): Promise<string> {
    using profile = temporaryFolder();
    const { port } = new URL(server.url);
    const { stdout } = await promisify(execFile)(
      CHROMIUM!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--user-data-dir=${profile.path}`,
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
        '--timeout=20000',
        '--virtual-time-budget=20000',
        '--dump-dom',
        `http://${HOST}:${port}${path}`,
      ],
      { maxBuffer: 1 << 26, timeout: 90_000, killSignal: 'SIGKILL' },
    );
    return stdout;
  }

  test('/docs shows the operations over http, under a name other than localhost', {
    skip: NO_CHROMIUM,
  }, async () => {
    const dom = await shown('/');
    assert.match(dom, /<title>reelvec API<\/title>/);
    const paths = [...dom.matchAll(/data-path="([^"]+)"/g)].map(([, path]) => path!.replaceAll('\u200b', ''));
    const { body: document } = await call(server, 'GET', '//openapi.json', { headers: {} });
    assert.deepEqual([...new Set(paths)].sort(), Object.keys(document.paths).sort());
    assert.match(dom, /<img[^>]+src="data:image\/svg\+xml;base64,[^"]+"/, 'the logo');
  });

  test('an operation in /docs has its example filled in, ready to try', { skip: NO_CHROMIUM }, async () => {
    const { body: document } = await call(server, 'GET', '//openapi.json', { headers: {} });
    const path = '/v1.3/embed-v2';
    const { operationId, tags } = document.paths[path].post;
    const dom = await shown(`/docs#/${tags[0]}/${operationId}`);
    assert.match(dom, /<textarea[^>]*body-param__text[^>]*>[^<]*the keeper of a lighthouse/);
    assert.match(dom, /<button[^>]*execute[^>]*>Execute/);
  });

  test('the examples of the OpenAPI document work unchanged', async () => {
    const { body: document } = await call(server, 'GET', '//openapi.json', { headers: {} });
    const picture = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#336699' } })
      .png()
      .toBuffer();
    const { body: asset } = await uploadAsset(server, picture, 'picture.png');
    const upload = { filename: 'film.mp4', type: 'video', total_size: 20_000_000 };
    const { body: open } = await call(server, 'POST', '/assets/multipart-uploads', { body: upload });
    let tried = 0;
    for (const [path, operations] of Object.entries<Record<string, Operation>>(document.paths)) {
      for (const [method, { requestBody }] of Object.entries(operations)) {
        const { example, examples } = requestBody?.content['application/json'] ?? {};
        if (requestBody?.content['application/json'] === undefined) continue;
        const bodies = example === undefined ? Object.values(examples ?? {}).map(({ value }) => value) : [example];
        assert.ok(bodies.length > 0, `${method} ${path} has an example`);
        // The example reports chunks that were never sent.
        if (JSON.stringify(bodies).includes('completed_chunks')) continue;
        const below = path.startsWith('/v1.3') ? path.slice('/v1.3'.length) : `/${path}`;
        const place = below.replace('{asset_id}', asset._id).replace('{upload_id}', open.upload_id);
        for (const body of bodies) {
          const answer = await call(server, method.toUpperCase(), place, { body });
          assert.ok(answer.status < 300, `${method} ${path}: ${answer.text.slice(0, 500)}`);
          if (answer.status === 202) await ready(server, answer.body._id);
          tried++;
        }
      }
    }
    assert.ok(tried >= 6, String(tried));
  });

  test('/ redirects browsers to the documentation and gives programs the URL of the API', async () => {
    const { origin } = new URL(server.url);
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const page = await fetch(origin, { headers, redirect: 'manual' });
    assert.deepEqual([page.status, page.headers.get('location')], [302, '/docs']);
    const { status, body } = await call(server, 'GET', '//', { headers: {} });
    const { version: _, ...places } = body;
    const { api, docs, openapi } = { api: server.url, docs: `${origin}/docs`, openapi: `${origin}/openapi.json` };
    assert.deepEqual([status, places], [200, { name: 'reelvec', api, docs, openapi }]);
  });

  test('a path with a missing or wrong version gets an error with the right path', async () => {
    for (const path of ['/embed-v2/tasks', '/v1.2/embed-v2/tasks', '/embed-v2', '/assets/1']) {
      const { status, body } = await call(server, 'POST', `/${path}`, { body: {} });
      const meant = `/v1.3${path.replace('/v1.2', '')}`;
      assert.equal(status, 404);
      assert.ok(body.message.includes(`ask for ${meant},`), body.message);
    }
    for (const path of ['/v1.3/embed-v2/nothing', '/nothing']) {
      const { status, body } = await call(server, 'GET', `/${path}`);
      assert.equal(status, 404);
      assert.match(body.message, /^There is no GET \S+ See \/docs/);
    }
  });
});

/** The first of some programs that is on the PATH. */
function programNamed(...names: string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
