import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { BlockCache } from './block-cache.ts';

/** A remote blob that supports range reads. */
export interface RemoteBlob {
  /** Permanently identifies the content. */
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  readonly read: (range: { start: number; end: number }) => Readable;
}

export interface RangeServerOptions {
  readonly cache: BlockCache;
  /** Size of the unit that is fetched and cached. Bytes. */
  readonly blockBytes?: number;
  /** Wait for a block after which a failed reader may have timed out. Milliseconds. */
  readonly slowMs?: number;
}

/** Large enough that round trips to the store cost little, small enough that a probe of a file stays cheap. Bytes. */
const BLOCK_BYTES = 4 * 1024 ** 2;

const SLOW_READ_MS = 20_000;

interface Lease {
  readonly blob: RemoteBlob;
  /** Error that ended a response early, which a reader mistakes for the end of the media. */
  error?: unknown;
  /** Start times of the current waits for blocks. */
  readonly waiting: Set<{ since: number }>;
  isSlow: boolean;
  /** The last requested block: a sequential reader gets the next one prefetched. */
  lastBlock: number;
}

/**
 * HTTP range server on the loopback interface that gives local media workers access to remote blobs, through blocks
 * cached on disk. A URL cannot be guessed and is valid for the duration of its lease.
 */
export class RangeServer implements AsyncDisposable {
  readonly #cache: BlockCache;
  readonly #blockBytes: number;
  readonly #slowMs: number;
  readonly #leases = new Map<string, Lease>();
  #server: Promise<Server> | undefined;

  constructor({ cache, blockBytes = BLOCK_BYTES, slowMs = SLOW_READ_MS }: RangeServerOptions) {
    this.#cache = cache;
    this.#blockBytes = blockBytes;
    this.#slowMs = slowMs;
  }

  /**
   * Runs work with a URL for a blob.
   * @throws the read error if the blob could not be read during the work, whatever its result. A failure of the work
   *   while the store was slow is reported as a store error, because it says nothing about the media
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
    // No timeouts: a reader pauses while it processes or is frozen, and would mistake a closed connection for the end
    // of the media.
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
      // Apart from a reader that hangs up, responses end early only here; `lease.error` records it.
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
        // Prefetch. Not awaited: a reader that needs the block requests it again and gets the error.
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

/**
 * First and last byte of a single-range `Range` header; the whole blob without a header; undefined for an empty range.
 */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return { start: 0, end: size - 1 };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? [];
  if (from === undefined) return undefined;
  const start = Number(from);
  const end = Math.min(to ? Number(to) : Number.POSITIVE_INFINITY, size - 1);
  return start <= end ? { start, end } : undefined;
}
