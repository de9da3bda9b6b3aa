import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { assertBlobKey, assertBlobPrefix } from '../../src/blobs/keys.ts';
import { type BlobEntry, BlobNotFound, type BlobStore, type WriteOptions } from '../../src/blobs/store.ts';

/** In-memory blob store with the clock of a test. */
export class MemoryBlobStore implements BlobStore {
  readonly blobs = new Map<string, { readonly bytes: Buffer; readonly modifiedAt: Date }>();

  async write(key: string, content: AsyncIterable<Uint8Array> | Uint8Array, { onPiece }: WriteOptions = {}) {
    assertBlobKey(key);
    const pieces: Uint8Array[] = [];
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      onPiece?.(piece);
      pieces.push(piece);
    }
    const bytes = Buffer.concat(pieces);
    this.blobs.set(key, { bytes, modifiedAt: new Date() });
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  read(key: string, range?: { start: number; end?: number }): Readable {
    assertBlobKey(key);
    const { blobs } = this;
    const bytes = async function* () {
      const blob = blobs.get(key);
      if (!blob) throw new BlobNotFound(key);
      yield blob.bytes.subarray(range?.start ?? 0, range?.end === undefined ? undefined : range.end + 1);
    };
    return Readable.from(bytes(), { objectMode: false });
  }

  async stat(key: string): Promise<BlobEntry | undefined> {
    assertBlobKey(key);
    const blob = this.blobs.get(key);
    return blob && { key, size: blob.bytes.length, modifiedAt: blob.modifiedAt };
  }

  async use<T>(key: string, work: (location: string) => Promise<T>): Promise<T> {
    if (!(await this.stat(key))) throw new BlobNotFound(key);
    return work(key);
  }

  async *list(prefix: string): AsyncIterable<BlobEntry> {
    assertBlobPrefix(prefix);
    for (const [key, { bytes, modifiedAt }] of [...this.blobs]) {
      if (key.startsWith(prefix)) yield { key, size: bytes.length, modifiedAt };
    }
  }

  async remove(keyOrPrefix: string): Promise<void> {
    for (const key of [...this.blobs.keys()]) {
      if (keyOrPrefix.endsWith('/') ? key.startsWith(keyOrPrefix) : key === keyOrPrefix) this.blobs.delete(key);
    }
  }
}
