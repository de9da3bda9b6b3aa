import type { FolderBlobStore } from '../blobs/folder/store.ts';
import { ReelvecError } from '../errors.ts';
import type { ScratchFolder } from './scratch.ts';

/** File that came with a request, in its scratch folder. */
export interface UploadedFile {
  readonly blobs: FolderBlobStore;
  readonly key: string;
}

export interface UploadLimits {
  /** Media type that the file is meant to have, for the error code. */
  readonly kind: 'image' | 'audio';
  readonly maxBytes: number;
}

/** Files that come with one request. They are removed on disposal. */
export class Uploads implements AsyncDisposable {
  readonly #scratch: ScratchFolder;

  constructor(scratch: ScratchFolder) {
    this.#scratch = scratch;
  }

  /**
   * Stores a file as it arrives.
   * @param field name of the form field
   * @throws {ReelvecError} as soon as the limit is exceeded
   */
  async receive(
    content: AsyncIterable<Uint8Array>,
    field: string,
    { kind, maxBytes }: UploadLimits,
  ): Promise<UploadedFile> {
    const { blobs } = this.#scratch;
    let seen = 0;
    const onPiece = (piece: Uint8Array) => {
      seen += piece.length;
      if (seen > maxBytes) throw tooLarge(field, kind, maxBytes);
    };
    await blobs.write(field, content, { onPiece });
    return { blobs, key: field };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#scratch[Symbol.asyncDispose]());
  }
}

function tooLarge(field: string, kind: 'image' | 'audio', maxBytes: number): ReelvecError {
  return new ReelvecError(
    `${kind}_filesize_too_large`,
    `${field} is larger than the ${maxBytes} bytes that are allowed. Encode it smaller.`,
    { details: { field, max_bytes: maxBytes } },
  );
}
