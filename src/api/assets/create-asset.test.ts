import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AssetApp, assertNothingKept, assetApp, MP4 } from '../../../test/support/asset-app.ts';
import { localHost } from '../../../test/support/local-host.ts';

type Parts = [name: string, value: string | File][];

const film = (bytes: Uint8Array<ArrayBuffer> = new Uint8Array(MP4), name = 'film.mp4') => new File([bytes], name);

async function create({ app }: AssetApp, parts: Parts) {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const encoded = new Response(form);
  const response = await app.inject({
    method: 'POST',
    url: '/v1.3/assets',
    headers: { 'content-type': encoded.headers.get('content-type') ?? '', 'x-api-key': 'me' },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return { status: response.statusCode, body: response.json() };
}

const orders: Record<string, Parts> = {
  'the file first': [
    ['file', film()],
    ['filename', 'other.mp4'],
    ['user_metadata', '{"take":3}'],
    ['method', 'direct'],
  ],
  'the file last': [
    ['user_metadata', '{"take":3}'],
    ['method', 'direct'],
    ['filename', 'other.mp4'],
    ['file', film()],
  ],
};
for (const [order, parts] of Object.entries(orders)) {
  test(`a form with ${order} makes an asset that is processing`, async () => {
    await using assetsApp = await assetApp();
    const { status, body } = await create(assetsApp, parts);
    assert.equal(status, 201);
    const { _id, created_at, ...rest } = body;
    assert.match(_id, /^[0-9a-f]{24}$/);
    assert.equal(new Date(created_at).toISOString(), created_at);
    assert.deepEqual(rest, {
      method: 'direct',
      status: 'processing',
      filename: 'other.mp4',
      file_type: 'video/mp4',
      user_metadata: { take: 3 },
    });
    assert.deepEqual(assetsApp.started, [_id]);
    assert.deepEqual(await Array.fromAsync(assetsApp.blobs.list(''), ({ key }) => key), [`assets/${_id}/source`]);
  });
}

test('without a filename field the name of the file counts, and unset things are left out', async () => {
  await using assetsApp = await assetApp();
  const { body } = await create(assetsApp, [
    ['method', 'direct'],
    ['file', film()],
    ['enable_hls', 'false'],
    ['enable_thumbnail', 'true'],
    ['url', ''],
  ]);
  assert.equal(body.filename, 'film.mp4');
  assert.ok(!('user_metadata' in body));
});

const refused: [what: string, parts: Parts, code: string, message: RegExp][] = [
  ['no method', [['file', film()]], 'parameter_not_provided', /^method /],
  [
    'an unknown method',
    [
      ['method', 'ftp'],
      ['file', film()],
    ],
    'parameter_invalid',
    /^method must be "direct" or "url"/,
  ],
  ['direct without a file', [['method', 'direct']], 'parameter_not_provided', /^file is needed/],
  [
    'direct with a URL too',
    [
      ['method', 'direct'],
      ['file', film()],
      ['url', 'http://h/'],
    ],
    'parameter_invalid',
    /^url does not go/,
  ],
  ['url without one', [['method', 'url']], 'parameter_not_provided', /^url is needed/],
  [
    'url with a file too',
    [
      ['method', 'url'],
      ['url', 'http://h/'],
      ['file', film()],
    ],
    'parameter_invalid',
    /^file does not go/,
  ],
  [
    'two files',
    [
      ['method', 'direct'],
      ['file', film()],
      ['file', film()],
    ],
    'parameter_invalid',
    /^file is given more than once/,
  ],
  [
    'a file that is text',
    [
      ['method', 'direct'],
      ['file', 'AAAA'],
    ],
    'parameter_invalid',
    /^file must be sent as a file/,
  ],
  [
    'another file',
    [
      ['method', 'direct'],
      ['video', film()],
    ],
    'parameter_invalid',
    /^video is sent as a file\. Only file may be one; send video as a text field\.$/,
  ],
  [
    'a field twice',
    [
      ['method', 'direct'],
      ['method', 'url'],
      ['file', film()],
    ],
    'parameter_invalid',
    /^method is given more/,
  ],
  [
    'an unknown field',
    [
      ['method', 'direct'],
      ['file', film()],
      ['colour', 'red'],
    ],
    'parameter_unknown',
    /^colour /,
  ],
  [
    'a flag that is none',
    [
      ['method', 'direct'],
      ['file', film()],
      ['enable_hls', 'yes'],
    ],
    'parameter_invalid',
    /^enable_hls /,
  ],
  [
    'a long filename',
    [
      ['method', 'direct'],
      ['file', film()],
      ['filename', 'x'.repeat(256)],
    ],
    'parameter_invalid',
    /^filename .*255/,
  ],
  [
    'metadata that is no JSON',
    [
      ['method', 'direct'],
      ['file', film()],
      ['user_metadata', '{'],
    ],
    'parameter_invalid',
    /^user_metadata is not JSON/,
  ],
  [
    'metadata that is a list',
    [
      ['method', 'direct'],
      ['file', film()],
      ['user_metadata', '[1]'],
    ],
    'parameter_invalid',
    /^user_metadata /,
  ],
  [
    'metadata that is nested',
    [
      ['method', 'direct'],
      ['file', film()],
      ['user_metadata', '{"a":{"b":1}}'],
    ],
    'parameter_invalid',
    /^user_metadata\.a must be a string/,
  ],
  [
    'a field that is too long',
    [
      ['method', 'direct'],
      ['user_metadata', 'x'.repeat(70_000)],
    ],
    'parameter_invalid',
    /^user_metadata is longer/,
  ],
  [
    'a page',
    [
      ['method', 'direct'],
      ['file', film(new Uint8Array(Buffer.from('<html>')))],
    ],
    'source_not_media',
    /^The file is an HTML page/,
  ],
  [
    'an empty file',
    [
      ['method', 'direct'],
      ['file', film(new Uint8Array())],
    ],
    'source_not_media',
    /^The file is empty/,
  ],
  [
    'a URL that is none',
    [
      ['method', 'url'],
      ['url', 'film.mp4'],
    ],
    'parameter_invalid',
    /^url is not a URL/,
  ],
  [
    'a private URL',
    [
      ['method', 'url'],
      ['url', 'http://10.0.0.1/a.mp4'],
    ],
    'source_unreachable',
    /10\.0\.0\.1 is not a public address/,
  ],
  [
    'a file over the limit',
    [
      ['method', 'direct'],
      ['file', film(new Uint8Array(1_000_001).fill(1))],
    ],
    'video_filesize_too_large',
    /1000000 bytes/,
  ],
];
for (const [what, parts, code, message] of refused) {
  test(`refused, with nothing kept: ${what}`, async () => {
    await using assetsApp = await assetApp();
    const { status, body } = await create(assetsApp, parts);
    assert.equal(body.code, code);
    assert.match(body.message, message);
    assert.equal(status, 400);
    await assertNothingKept(assetsApp);
  });
}

test('what is not a form is refused', async () => {
  await using assetsApp = await assetApp();
  const json = await assetsApp.app.inject({
    method: 'POST',
    url: '/v1.3/assets',
    payload: { method: 'url', url: 'http://h/' },
  });
  assert.equal(json.statusCode, 415);
  assert.equal(json.json().code, 'unsupported_media_type');

  const cut = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
  for (const [type, payload] of [
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=b', 'no form'],
    ['multipart/form-data; boundary=b', Buffer.concat([cut, MP4])],
  ] as const) {
    const headers = { 'content-type': type };
    const { statusCode, body } = await assetsApp.app.inject({ method: 'POST', url: '/v1.3/assets', headers, payload });
    assert.equal(statusCode, 400, body);
    assert.match(JSON.parse(body).code, /^parameter_/);
    await assertNothingKept(assetsApp);
  }
});

test('an asset from a URL is checked at once and named after it', async () => {
  await using assetsApp = await assetApp();
  await using host = await localHost(({ url }, response) => {
    if (url === '/page.mp4') response.end('<!doctype html>');
    else if (url === '/take%203.mp4?sig=1') response.end(MP4);
    else response.writeHead(404).end();
  });
  const { status, body } = await create(assetsApp, [
    ['method', 'url'],
    ['url', host.url('/take%203.mp4?sig=1').href],
  ]);
  assert.equal(status, 201);
  assert.equal(body.method, 'url');
  assert.equal(body.filename, 'take 3.mp4');
  assert.equal(body.file_type, 'video/mp4');
  const page = await create(assetsApp, [
    ['method', 'url'],
    ['url', host.url('/page.mp4').href],
  ]);
  assert.equal(page.body.code, 'source_not_media');
  assert.match(page.body.message, /^The source at 127\.0\.0\.1:\d+ is an HTML page/);
  const gone = await create(assetsApp, [
    ['method', 'url'],
    ['url', host.url('/gone.mp4').href],
  ]);
  assert.equal(gone.body.code, 'source_unreachable');
  assert.match(gone.body.message, /HTTP 404/);
});
