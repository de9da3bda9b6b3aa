import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { SetupError } from '../../setup-error.ts';
import { assertBlobKey, assertBlobPrefix } from '../keys.ts';
import { type BlobEntry, BlobNotFound, type BlobStore, type WriteOptions } from '../store.ts';
import { explainS3, isNoSuchKey, openS3Client, type S3Options } from './client.ts';
import type { RangeServer } from './range-server.ts';
import { readObject } from './read.ts';
import { writeObject } from './write.ts';

export interface S3BlobStoreOptions extends S3Options {
  /** Gives media workers access to objects. */
  readonly ranges: RangeServer;
}

/** Blob store in a bucket, which any number of servers may share. */
export class S3BlobStore implements BlobStore, AsyncDisposable {
  readonly #options: S3BlobStoreOptions;
  readonly #client: S3Client;

  constructor(options: S3BlobStoreOptions) {
    this.#options = options;
    this.#client = openS3Client(options);
  }

  /** Writes, lists and removes an object, so that wrong settings fail on start rather than with the first upload. */
  async check(): Promise<void> {
    const { bucket, endpoint } = this.#options;
    try {
      const key = `check/${randomUUID()}`;
      await this.write(key, Buffer.from('reelvec'));
      await Array.fromAsync(this.list('check/'));
      await this.remove(key);
    } catch (error) {
      const { name, message } = error as Error;
      const at = endpoint === undefined ? '' : ` at ${endpoint}`;
      throw new SetupError(
        `The bucket ${bucket}${at} cannot be used: ${name}: ${message || 'no reason given'}. ` +
          'It must exist, and the credentials must allow to write, read, list and remove objects.',
        { cause: error },
      );
    }
  }

  async write(
    key: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<{ size: number; sha256: string }> {
    const place = this.#place(key);
    try {
      return await writeObject(this.#client, place, content, options);
    } catch (error) {
      throw explainS3(error);
    }
  }

  read(key: string, range?: { start: number; end?: number }): Readable {
    const { Bucket: bucket, Key: name } = this.#place(key);
    return readObject(this.#client, { bucket, name, key, range });
  }

  async stat(key: string): Promise<BlobEntry | undefined> {
    return (await this.#head(key))?.entry;
  }

  async use<T>(key: string, work: (location: string) => Promise<T>): Promise<T> {
    const found = await this.#head(key);
    if (!found) throw new BlobNotFound(key);
    const {
      etag,
      entry: { size },
    } = found;
    const { Bucket: bucket, Key: name } = this.#place(key);
    const read = (range: { start: number; end: number }) =>
      readObject(this.#client, { bucket, name, key, range, etag });
    return this.#options.ranges.lease({ version: `${key} ${etag}`, size, read }, work);
  }

  async *list(prefix: string): AsyncIterable<BlobEntry> {
    assertBlobPrefix(prefix);
    const { bucket, prefix: root } = this.#options;
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: root + prefix, ContinuationToken: token }),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        yield { key: Key!.slice(root.length), size: Size!, modifiedAt: LastModified! };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async remove(keyOrPrefix: string): Promise<void> {
    if (!keyOrPrefix.endsWith('/')) {
      await this.#client.send(new DeleteObjectCommand(this.#place(keyOrPrefix)));
      return;
    }
    assertBlobPrefix(keyOrPrefix);
    if (keyOrPrefix === '') throw new TypeError('Not everything is removed at once.');
    const batch: string[] = [];
    for await (const { key } of this.list(keyOrPrefix)) {
      batch.push(key);
      if (batch.length === DELETE_BATCH) await this.#removeAll(batch.splice(0));
    }
    if (batch.length > 0) await this.#removeAll(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.ranges[Symbol.asyncDispose]();
    this.#client.destroy();
  }

  async #removeAll(keys: readonly string[]): Promise<void> {
    const Objects = keys.map((key) => ({ Key: this.#options.prefix + key }));
    const { Errors = [] } = await this.#client.send(
      new DeleteObjectsCommand({ Bucket: this.#options.bucket, Delete: { Objects, Quiet: true } }),
    );
    const [error] = Errors;
    if (error) throw new Error(`${error.Key} could not be removed from the bucket: ${error.Code}: ${error.Message}`);
  }

  async #head(key: string): Promise<{ entry: BlobEntry; etag: string | undefined } | undefined> {
    try {
      const found = await this.#client.send(new HeadObjectCommand(this.#place(key)));
      return { entry: { key, size: found.ContentLength!, modifiedAt: found.LastModified! }, etag: found.ETag };
    } catch (error) {
      if (isNoSuchKey(error)) return undefined;
      throw error;
    }
  }

  #place(key: string): { Bucket: string; Key: string } {
    assertBlobKey(key);
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + key };
  }
}

/** Maximum keys per DeleteObjects request. */
const DELETE_BATCH = 1000;
