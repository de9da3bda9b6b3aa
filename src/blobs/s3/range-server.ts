import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { BlockCache } from './block-cache.ts';

/** Something remote that can be read by ranges. */
export interface RemoteBlob {
  /** Identifies its content for ever. */
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  readonly read: (range: { start: number; end: number }) => Readable;
}

export interface RangeServerOptions {
  readonly cache: BlockCache;
  /** What is fetched and kept as one. Bytes. */
  readonly blockBytes?: number;
  /** Reading that took this long may have been more than a reader had patience for. Milliseconds. */
  readonly slowMs?: number;
}

/** Large enough that the way to the store and back costs little, small enough that a look into a file stays one. */
const BLOCK_BYTES = 4 * 1024 ** 2;

const SLOW_MS = 20_000;

interface Lease {
  readonly blob: RemoteBlob;
  /** Why an answer was broken off, which to a reader looks like the end of the media. */
  error?: unknown;
  /** Since when blocks are waited for that have not come yet. */
  readonly waiting: Set<{ since: number }>;
  isSlow: boolean;
  /** The block that was asked for last: who reads on gets the next one ahead. */
  lastBlock: number;
}

/**
 * Serves remote blobs to the media workers of this machine, by HTTP ranges on the loopback interface, from blocks
 * that are kept on the local disk. A URL holds for as long as the blob is lent and cannot be guessed.
 */
export class RangeServer implements AsyncDisposable {
  readonly #cache: BlockCache;
  readonly #blockBytes: number;
  readonly #slowMs: number;
  readonly #leases = new Map<string, Lease>();
  #server: Promise<Server> | undefined;

  constructor({ cache, blockBytes = BLOCK_BYTES, slowMs = SLOW_MS }: RangeServerOptions) {
    this.#cache = cache;
    this.#blockBytes = blockBytes;
    this.#slowMs = slowMs;
  }

  /**
   * @throws why the blob could not be read while the work went on, whatever came of the work. That work failed for
   * which the store was slow says nothing about the media either.
   */
  async lease<T>(blob: RemoteBlob, work: (url: string) => Promise<T>): Promise<T> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    const id = randomUUID();
    const lease: Lease = { blob, lastBlock: Number.NaN, waiting: new Set(), isSlow: false };
    this.#leases.set(id, lease);
    try {
      const result = await work(`http://127.0.0.1:${port}/${id}`);
      if (lease.error !== undefined) throw lease.error;
      return result;
    } catch (error) {
      if (lease.error !== undefined) throw lease.error;
      if (!this.#wasSlow(lease)) throw error;
      throw new Error(`The store was slow to give ${blob.version}, and its reader failed.`, { cause: error });
    } finally {
      this.#leases.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases.values()) lease.error ??= new Error('The store was closed while it was read.');
    const server = await this.#server;
    server?.close();
    server?.closeAllConnections();
    await this.#cache.close();
  }

  async #listen(): Promise<Server> {
    const server = createServer((request, response) => void this.#serve(request, response));
    // A reader pauses for as long as what it has read keeps it busy, or for as long as it is frozen. Hung up on
    // meanwhile, it would take that for the end of the media.
    server.keepAliveTimeout = server.requestTimeout = server.headersTimeout = 0;
    server.listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const lease = this.#leases.get(request.url?.slice(1) ?? '');
    if (!lease) {
      response.writeHead(404).end();
      return;
    }
    const { size } = lease.blob;
    const range = rangeOf(request.headers.range, size);
    if (!range) {
      response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
      return;
    }
    const { start, end } = range;
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': end - start + 1,
      ...(request.headers.range !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    try {
      // The only place where an answer ends early, but for a reader that hangs up: `lease.error` says so.
      await pipeline(Readable.from(this.#bytes(lease, range), { objectMode: false }), response);
    } catch {
      response.destroy();
    }
  }

  async *#bytes(lease: Lease, { start, end }: { start: number; end: number }): AsyncGenerator<Uint8Array> {
    for (let at = start; at <= end; ) {
      const number = Math.floor(at / this.#blockBytes);
      const offset = number * this.#blockBytes;
      const wait = { since: performance.now() };
      lease.waiting.add(wait);
      const block = await this.#block(lease, number)
        .catch((error) => {
          lease.error ??= error;
          throw error;
        })
        .finally(() => {
          lease.isSlow = this.#wasSlow(lease);
          lease.waiting.delete(wait);
        });
      if (number === lease.lastBlock + 1 && offset + block.length < lease.blob.size) {
        // Nobody waits for it: who needs it asks again, and hears of the error.
        this.#block(lease, number + 1).catch(() => {});
      }
      lease.lastBlock = number;
      const bytes = block.subarray(at - offset, end + 1 - offset);
      yield bytes;
      at += bytes.length;
    }
  }

  #wasSlow({ isSlow, waiting }: Lease): boolean {
    return isSlow || [...waiting].some(({ since }) => performance.now() - since > this.#slowMs);
  }

  #block({ blob }: Lease, number: number): Promise<Uint8Array> {
    const start = number * this.#blockBytes;
    const end = Math.min(start + this.#blockBytes, blob.size) - 1;
    return this.#cache.get(`${blob.version} ${this.#blockBytes} ${number}`, async () => {
      const bytes = await buffer(blob.read({ start, end }));
      if (bytes.length !== end - start + 1) throw new Error(`The store ended a range of ${blob.version} early.`);
      return bytes;
    });
  }
}

/** First and last byte of a `Range` header with one range; all of it without one; undefined where there is nothing. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return { start: 0, end: size - 1 };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? [];
  if (from === undefined) return undefined;
  const start = Number(from);
  const end = Math.min(to ? Number(to) : Number.POSITIVE_INFINITY, size - 1);
  return start <= end ? { start, end } : undefined;
}
