import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { assetApp } from '../../../../test/support/asset-app.ts';
import {
  begin,
  CHUNK,
  call,
  FILE,
  type Link,
  PARTS,
  put,
  putAll,
  report,
} from '../../../../test/support/multipart-client.ts';

describe('an upload in chunks', () => {
  test('begins with links for its chunks, absolute, for an hour, in a session of a day', async () => {
    await using made = await assetApp();
    const { status, body } = await call(made, 'POST', '', {
      filename: 'film.mp4',
      type: 'video',
      total_size: FILE.length,
    });
    assert.equal(status, 201);
    assert.equal(body.chunk_size, CHUNK);
    assert.equal(body.total_chunks, 2);
    assert.deepEqual(body.upload_headers, { 'Content-Type': 'application/octet-stream' });
    assert.deepEqual(
      body.upload_urls.map((link: Link) => link.chunk_index),
      [1, 2],
    );
    const inHours = (time: string) => Math.round((Date.parse(time) - Date.now()) / 36_000) / 100;
    assert.equal(inHours(body.expires_at), 24);
    assert.equal(inHours(body.upload_urls[0].expires_at), 1);
    assert.match(
      body.upload_urls[1].url,
      new RegExp(
        `^http://media.test:1212/v1.3/assets/multipart-uploads/${body.upload_id}/chunks/2\\?expires=\\d+&signature=`,
      ),
    );
  });

  test('becomes an asset that holds the file when its last chunk is reported', async () => {
    await using made = await assetApp();
    const upload = await begin(made, { user_metadata: { take: 3 }, filename: 'b.mp4' });
    const [first, second] = await putAll(made, upload);
    assert.deepEqual((await report(made, upload.upload_id, [second!])).body, {
      asset_id: upload.asset_id,
      processed_chunks: 1,
      duplicate_chunks: 0,
      total_completed: 1,
    });
    assert.equal(await made.assets.get(upload.asset_id), undefined);
    const { status, body } = await report(made, upload.upload_id, [first!]);
    assert.equal(status, 200);
    assert.equal(body.url, `http://media.test:1212/v1.3/assets/${upload.asset_id}`);
    const asset = await made.assets.get(upload.asset_id, 'me');
    assert.equal(asset?.method, 'multipart');
    assert.equal(asset?.filename, 'b.mp4');
    assert.deepEqual(asset?.userMetadata, { take: 3 });
    assert.deepEqual(made.started, [upload.asset_id]);
    assert.ok((await buffer(made.blobs.read(`assets/${upload.asset_id}/source`))).equals(FILE));
    assert.deepEqual(await readdir(join(made.blobs.root, '.uploads')), []);
  });

  test('chunks that are reported again are counted as duplicates, also in one report and after the end', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const [first, second] = await putAll(made, upload);
    const twice = await report(made, upload.upload_id, [first!, first!]);
    assert.deepEqual([twice.body.processed_chunks, twice.body.duplicate_chunks], [1, 1]);
    const rest = await report(made, upload.upload_id, [first!, second!]);
    assert.deepEqual([rest.body.processed_chunks, rest.body.duplicate_chunks], [1, 1]);
    const again = await report(made, upload.upload_id, [first!, second!]);
    assert.deepEqual([again.status, again.body.duplicate_chunks, again.body.total_completed], [200, 2, 2]);
    assert.ok(again.body.url);
    assert.deepEqual(made.started, [upload.asset_id]);
  });

  test('a proof may be quoted, as the ETag is', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const chunks = (await putAll(made, upload)).map((chunk) => ({ ...chunk, proof: `"${chunk.proof.toUpperCase()}"` }));
    assert.equal((await report(made, upload.upload_id, chunks)).body.processed_chunks, 2);
  });

  test('a wrong proof, size or number is refused by name, and nothing of the report counts', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const [first, second] = await putAll(made, upload);
    const faults: [object, RegExp][] = [
      [{ ...second, proof: first!.proof }, /completed_chunks\.1\.proof is not the ETag that chunk 2/],
      [{ ...second, chunk_size: CHUNK }, /completed_chunks\.1\.chunk_size is 8388608; chunk 2 has \d+ bytes/],
      [{ ...second, chunk_index: 3 }, /completed_chunks\.1\.chunk_index is 3, but the upload has 2 chunks/],
      [{ ...second, proof_type: 'md5' }, /completed_chunks\.1\.proof_type must be "etag"/],
    ];
    for (const [fault, message] of faults) {
      const { status, body } = await report(made, upload.upload_id, [first!, fault]);
      assert.equal(status, 400);
      assert.match(body.message, message);
    }
    assert.equal((await call(made, 'GET', `/${upload.upload_id}`)).body.chunks_completed, 0);
    const unsent = await begin(made);
    const { status, body } = await report(made, unsent.upload_id, [first!]);
    assert.deepEqual([status, body.message], [400, 'Chunk 1 has not been received. Send it to its URL first.']);
  });

  test('a report has 1 to 50 chunks', async () => {
    await using made = await assetApp();
    const { upload_id } = await begin(made);
    const chunk = { chunk_index: 1, proof: 'x', proof_type: 'etag', chunk_size: CHUNK };
    for (const count of [0, 51]) {
      const { status, body } = await report(made, upload_id, Array(count).fill(chunk));
      assert.deepEqual([status, body.details.field], [400, 'completed_chunks']);
    }
  });

  test('further links come on demand, and for chunks that are complete none', async () => {
    await using made = await assetApp();
    const upload = await begin(made, { total_size: 90_000_000 });
    assert.equal(upload.upload_urls.length, 11);
    const { status, body } = await call(made, 'POST', `/${upload.upload_id}/presigned-urls`, { start: 10, count: 50 });
    assert.equal(status, 200);
    assert.deepEqual([body.start_index, body.count], [10, 2]);
    assert.deepEqual(
      body.upload_urls.map((link: Link) => link.chunk_index),
      [10, 11],
    );
    assert.equal((await put(made, body.upload_urls[0].url, PARTS[0])).status, 200);
    for (const [wrong, field] of [
      [{ start: 12, count: 1 }, 'start'],
      [{ start: 0, count: 1 }, 'start'],
      [{ start: 1, count: 51 }, 'count'],
      [{ start: 1, count: 0 }, 'count'],
    ] as const) {
      const refused = await call(made, 'POST', `/${upload.upload_id}/presigned-urls`, wrong);
      assert.deepEqual([refused.status, refused.body.details.field], [400, field]);
    }
    const half = await begin(made);
    const [first] = await putAll(made, half);
    await report(made, half.upload_id, [first!]);
    const left = await call(made, 'POST', `/${half.upload_id}/presigned-urls`, { start: 1, count: 2 });
    assert.deepEqual(
      left.body.upload_urls.map((link: Link) => link.chunk_index),
      [2],
    );
  });

  test('its status lists every chunk, the pending ones too, a page at a time', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const [first] = await putAll(made, upload);
    await report(made, upload.upload_id, [first!]);
    const { body } = await call(made, 'GET', `/${upload.upload_id}`);
    assert.equal(body.status, 'active');
    assert.deepEqual(
      body.uploaded_chunks.map(({ index, status }: { index: number; status: string }) => [index, status]),
      [
        [1, 'completed'],
        [2, 'pending'],
      ],
    );
    assert.deepEqual([body.chunks_completed, body.chunks_failed, body.chunks_pending], [1, 0, 1]);
    assert.deepEqual([body.total_size, body.uploaded_size], [FILE.length, CHUNK]);
    const second = await call(made, 'GET', `/${upload.upload_id}?page=2&page_limit=1`);
    assert.deepEqual(
      second.body.uploaded_chunks.map(({ index }: { index: number }) => index),
      [2],
    );
    assert.deepEqual(second.body.page_info, { limit_per_page: 1, page: 2, total_page: 2, total_results: 2 });
    assert.deepEqual((await call(made, 'GET', `/${upload.upload_id}?page=3&page_limit=1`)).body.uploaded_chunks, []);
  });

  test('only those that wait for chunks are listed, newest first, to their owner', async () => {
    await using made = await assetApp();
    const done = await begin(made);
    await report(made, done.upload_id, await putAll(made, done));
    const [older, newer] = [await begin(made), await begin(made)];
    const { body } = await call(made, 'GET', '');
    const ids = body.data.map(({ upload_id }: { upload_id: string }) => upload_id);
    assert.deepEqual(ids, [newer.upload_id, older.upload_id]);
    const { created_at, expires_at, ...facts } = body.data[0];
    assert.ok(created_at < expires_at);
    assert.deepEqual(facts, {
      upload_id: newer.upload_id,
      asset_id: newer.asset_id,
      status: 'active',
      filename: 'film.mp4',
      total_size: FILE.length,
      chunk_size: CHUNK,
      total_chunks: 2,
    });
    assert.equal((await call(made, 'GET', '', undefined, 'someone else')).body.page_info.total_results, 0);
  });

  test('an unknown one and one of another owner are both 404', async () => {
    await using made = await assetApp();
    const { upload_id } = await begin(made);
    const chunk = { chunk_index: 1, proof: 'x', proof_type: 'etag', chunk_size: CHUNK };
    for (const [id, owner] of [
      [upload_id, 'someone else'],
      ['0123456789abcdef01234567', 'me'],
      ['nonsense', 'me'],
    ] as const) {
      const answers = [
        await call(made, 'GET', `/${id}`, undefined, owner),
        await report(made, id, [chunk], owner),
        await call(made, 'POST', `/${id}/presigned-urls`, { start: 1, count: 1 }, owner),
      ];
      for (const { status, body } of answers) assert.deepEqual([status, body.code], [404, 'resource_not_exist']);
    }
  });

  test('is refused when the file would be too large for its type, or the request is not valid', async () => {
    await using made = await assetApp();
    const valid = { filename: 'a.mp4', type: 'video', total_size: 1 };
    const faults: [object, string, string][] = [
      [{ type: 'audio', total_size: 50_000_001 }, 'audio_filesize_too_large', 'total_size'],
      [{ type: 'image', total_size: 1_000_001 }, 'image_filesize_too_large', 'total_size'],
      [{ total_size: 0 }, 'parameter_invalid', 'total_size'],
      [{ total_size: 1.5 }, 'parameter_invalid', 'total_size'],
      [{ total_size: null }, 'parameter_not_provided', 'total_size'],
      [{ type: 'document' }, 'parameter_invalid', 'type'],
      [{ filename: '' }, 'parameter_invalid', 'filename'],
      [{ filename: 'x'.repeat(256) }, 'parameter_invalid', 'filename'],
      [{ user_metadata: { a: { b: 1 } } }, 'parameter_invalid', 'user_metadata.a'],
      [{ owner: 'you' }, 'parameter_unknown', 'owner'],
    ];
    for (const [fault, code, field] of faults) {
      const { status, body } = await call(made, 'POST', '', { ...valid, ...fault });
      assert.deepEqual([status, body.code, body.details.field], [400, code, field], JSON.stringify(fault));
    }
    assert.equal((await call(made, 'GET', '')).body.page_info.total_results, 0);
  });

  test('is expired from the moment that its day is over, also before anything is cleaned up', async (t) => {
    await using made = await assetApp();
    const { upload_id, expires_at } = await begin(made);
    const statusAt = async (ms: number) => {
      t.mock.timers.setTime(Date.parse(expires_at) + ms);
      return (await call(made, 'GET', `/${upload_id}`)).body.status;
    };
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    assert.deepEqual([await statusAt(-1), await statusAt(0)], ['active', 'expired']);
  });

  test('stays completed when its day is over, and tells when each chunk came', async (t) => {
    await using made = await assetApp();
    const upload = await begin(made);
    const [first, second] = await putAll(made, upload);
    const chunks = async () => (await call(made, 'GET', `/${upload.upload_id}`)).body.uploaded_chunks;
    const [sent] = await chunks();
    assert.equal(sent.status, 'pending');
    assert.equal(sent.uploaded_at, sent.updated_at);
    assert.ok(Date.parse(sent.uploaded_at) <= Date.now());
    await report(made, upload.upload_id, [first!]);
    const [reported] = await chunks();
    assert.deepEqual([reported.status, reported.uploaded_at], ['completed', sent.uploaded_at]);
    assert.ok(Date.parse(reported.updated_at) >= Date.parse(reported.uploaded_at));
    await report(made, upload.upload_id, [second!]);
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse(upload.expires_at) + 1 });
    assert.equal((await call(made, 'GET', `/${upload.upload_id}`)).body.status, 'completed');
    t.mock.timers.reset();
    const unsent = (await call(made, 'GET', `/${(await begin(made)).upload_id}`)).body;
    assert.deepEqual(
      [unsent.uploaded_chunks[0].uploaded_at, unsent.uploaded_chunks[0].updated_at],
      [null, unsent.created_at],
    );
  });

  test('says when its links were made and until when they work', async (t) => {
    await using made = await assetApp();
    const { upload_id } = await begin(made);
    const now = Date.now() + 1000;
    t.mock.timers.enable({ apis: ['Date'], now });
    const links = () => call(made, 'POST', `/${upload_id}/presigned-urls`, { start: 1, count: 2 });
    const { body } = await links();
    const [generatedAt, expiresAt] = [now, now + 3_600_000].map((ms) => new Date(ms).toISOString());
    assert.deepEqual([body.generated_at, body.expires_at, body.upload_id], [generatedAt, expiresAt, upload_id]);
    for (const link of body.upload_urls) assert.equal(link.expires_at, expiresAt);
  });

  test('ends after a day: its links, reports and chunks are refused, and nothing is kept', async () => {
    await using made = await assetApp();
    const upload = await begin(made);
    const chunks = await putAll(made, upload);
    await made.multipart.expire(new Date(Date.now() + 23 * 3_600_000));
    assert.equal((await call(made, 'GET', `/${upload.upload_id}`)).body.status, 'active');
    await made.multipart.expire(new Date(Date.now() + 25 * 3_600_000));
    assert.equal((await call(made, 'GET', `/${upload.upload_id}`)).body.status, 'expired');
    assert.equal((await call(made, 'GET', '')).body.page_info.total_results, 0);
    for (const { status, body } of [
      await report(made, upload.upload_id, chunks),
      await call(made, 'POST', `/${upload.upload_id}/presigned-urls`, { start: 1, count: 1 }),
      await put(made, upload.upload_urls[0]?.url, PARTS[0]),
    ]) {
      assert.deepEqual([status, body.code], [400, 'upload_not_active']);
    }
    assert.deepEqual(await readdir(join(made.blobs.root, '.uploads')), []);
    await made.multipart.expire(new Date(Date.now() + 9 * 24 * 3_600_000));
    assert.equal((await call(made, 'GET', `/${upload.upload_id}`)).status, 404);
  });
});
