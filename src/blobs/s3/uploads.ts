import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  NoSuchUpload,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { assertBlobKey } from '../keys.ts';
import {
  type DirectIntake,
  type Part,
  type PartialBlob,
  type PartPlan,
  partCount,
  type UploadStore,
} from '../uploads.ts';
import { openS3Client, type S3Options } from './client.ts';

export interface S3UploadStoreOptions extends S3Options {
  /** URL under which clients reach the store, if it differs from the server's. */
  readonly publicEndpoint?: string;
}

/** Uploads directly into the bucket of an `S3BlobStore`: this server signs URLs and does not see the content. */
export class S3UploadStore implements UploadStore, Disposable {
  readonly intake: DirectIntake = {
    kind: 'direct',
    sign: (upload, number, options) => this.#sign(upload, number, options),
    stored: (upload, numbers) => this.#stored(upload, numbers),
  };
  readonly #options: S3UploadStoreOptions;
  readonly #client: S3Client;
  /** Signs client URLs: a signature is valid for one host only. */
  readonly #signer: S3Client;

  constructor(options: S3UploadStoreOptions) {
    this.#options = options;
    const { endpoint, publicEndpoint = endpoint } = options;
    this.#client = openS3Client(options);
    this.#signer = publicEndpoint === endpoint ? this.#client : openS3Client({ ...options, endpoint: publicEndpoint });
  }

  async begin(key: string, plan: PartPlan): Promise<PartialBlob> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(this.#place(key)));
    return { ...plan, key, id: UploadId! };
  }

  async complete(upload: PartialBlob, parts: readonly Part[]): Promise<{ size: number }> {
    const byNumber = new Map(parts.map((part) => [part.number, part]));
    if (byNumber.size !== partCount(upload))
      throw new Error(`Only ${byNumber.size} parts of ${upload.key} are stored.`);
    const sorted = [...byNumber.values()].sort((a, b) => a.number - b.number);
    const Parts = sorted.map(({ number, etag }) => ({ PartNumber: number, ETag: `"${etag}"` }));
    try {
      const place = { ...this.#place(upload.key), UploadId: upload.id };
      await this.#client.send(new CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts } }));
    } catch (error) {
      // Completed by an earlier call, unless a different object exists.
      if (!isNoSuchUpload(error) || (await this.#sizeOf(upload.key)) !== upload.size) throw error;
    }
    return { size: upload.size };
  }

  async abort(key: string): Promise<void> {
    const place = this.#place(key);
    for await (const { Key, UploadId } of this.#incompleteUploads(place.Key)) {
      if (Key === place.Key) await this.#abort(Key, UploadId);
    }
  }

  async sweep({ idleMs }: { idleMs: number }): Promise<number> {
    let swept = 0;
    for await (const { Key, UploadId, Initiated } of this.#incompleteUploads(this.#options.prefix)) {
      if (Key === undefined || Initiated === undefined || Date.now() - Initiated.getTime() < idleMs) continue;
      await this.#abort(Key, UploadId);
      swept++;
    }
    return swept;
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
    this.#signer.destroy();
  }

  #sign(upload: PartialBlob, number: number, { expiresInSec }: { expiresInSec: number }): Promise<string> {
    const command = new UploadPartCommand({ ...this.#place(upload.key), UploadId: upload.id, PartNumber: number });
    return getSignedUrl(this.#signer, command, { expiresIn: Math.max(1, Math.floor(expiresInSec)) });
  }

  async #stored(upload: PartialBlob, numbers: readonly number[]): Promise<Part[]> {
    const wanted = new Set(numbers);
    const last = Math.max(...numbers);
    const found: Part[] = [];
    let marker: string | undefined = String(Math.min(...numbers) - 1);
    while (wanted.size > 0 && marker !== undefined && Number(marker) < last) {
      const place = { ...this.#place(upload.key), UploadId: upload.id };
      const page: { Parts?: { PartNumber?: number; Size?: number; ETag?: string }[]; NextPartNumberMarker?: string } =
        await this.#client.send(new ListPartsCommand({ ...place, PartNumberMarker: marker }));
      for (const { PartNumber: number = 0, Size: size = 0, ETag = '' } of page.Parts ?? []) {
        if (wanted.has(number)) found.push({ number, size, etag: ETag.replaceAll('"', '') });
      }
      marker = page.NextPartNumberMarker === marker || !page.Parts?.length ? undefined : page.NextPartNumberMarker;
    }
    return found;
  }

  /** Incomplete uploads of objects whose names begin with a prefix. */
  async *#incompleteUploads(Prefix: string) {
    let markers: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#options.bucket, Prefix, ...markers }),
      );
      yield* page.Uploads ?? [];
      if (!page.IsTruncated) return;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  async #abort(Key: string, UploadId: string | undefined): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#options.bucket, Key, UploadId }));
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error;
    }
  }

  async #sizeOf(key: string): Promise<number | undefined> {
    const found = await this.#client.send(new HeadObjectCommand(this.#place(key))).catch(() => undefined);
    return found?.ContentLength;
  }

  #place(key: string): { Bucket: string; Key: string } {
    assertBlobKey(key);
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + key };
  }
}

function isNoSuchUpload(error: unknown): boolean {
  return error instanceof NoSuchUpload || (error as Error | undefined)?.name === 'NoSuchUpload';
}
