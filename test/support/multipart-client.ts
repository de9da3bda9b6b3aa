import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type AssetApp, MP4 } from './asset-app.ts';

export const CHUNK = 8 * 1024 ** 2;
/** Content of two chunks, the second one short. */
export const FILE = Buffer.concat([MP4, randomBytes(CHUNK)]);
export const PARTS = [FILE.subarray(0, CHUNK), FILE.subarray(CHUNK)] as const;

export interface Link {
  chunk_index: number;
  url: string;
  expires_at: string;
}

export async function call({ app }: AssetApp, method: 'GET' | 'POST', path: string, body?: object, owner = 'me') {
  const url = `/v1.3/assets/multipart-uploads${path}`;
  const headers = { 'x-api-key': owner, host: 'media.test:1212' };
  const response = await app.inject({ method, url, headers, ...(body && { payload: body }) });
  return { status: response.statusCode, body: response.json() };
}

export async function begin(made: AssetApp, more: object = {}) {
  const wanted = { filename: 'film.mp4', type: 'video', total_size: FILE.length, ...more };
  const { status, body } = await call(made, 'POST', '', wanted);
  assert.equal(status, 201, JSON.stringify(body));
  return body as { upload_id: string; asset_id: string; upload_urls: Link[]; expires_at: string };
}

export async function put({ app }: AssetApp, url: string | undefined, payload: Buffer) {
  const { pathname, search } = new URL(url ?? '');
  const response = await app.inject({ method: 'PUT', url: pathname + search, payload });
  const body = response.body === '' ? undefined : response.json();
  return { status: response.statusCode, etag: String(response.headers.etag), body };
}

export async function putAll(made: AssetApp, { upload_urls }: { upload_urls: Link[] }) {
  return Promise.all(
    PARTS.map(async (bytes, i) => {
      const { status, etag } = await put(made, upload_urls[i]?.url, bytes);
      assert.equal(status, 200);
      return { chunk_index: i + 1, proof: etag.replaceAll('"', ''), proof_type: 'etag', chunk_size: bytes.length };
    }),
  );
}

export const report = (made: AssetApp, id: string, completed_chunks: object[], owner?: string) =>
  call(made, 'POST', `/${id}`, { completed_chunks }, owner);
