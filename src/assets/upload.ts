import { ReelvecError } from '../errors.ts';
import { HEAD_BYTES, requireMedia } from '../sources/sniff.ts';
import type { BlobStore } from '../store/blobs.ts';
import { newId } from '../store/ids.ts';
import { assetKey } from './blobs.ts';

/** A file that is stored and belongs to no asset yet: make it one, or discard it. */
export interface Upload {
  /** Becomes the id of the asset. */
  readonly id: string;
  readonly fileType?: string;
  /** Of the content, lower-case hex. */
  readonly sha256: string;
}

/**
 * Stores what a client sends as it comes.
 * @throws source_not_media by the first bytes, video_filesize_too_large as soon as the limit is passed
 */
export async function storeUpload(
  blobs: BlobStore,
  content: AsyncIterable<Uint8Array>,
  { maxBytes }: { maxBytes: number },
): Promise<Upload> {
  const id = newId();
  let fileType: string | undefined;
  const checked = async function* () {
    const head: Uint8Array[] = [];
    let size = 0;
    let looked = false;
    const look = () => {
      looked = true;
      fileType = requireMedia(Buffer.concat(head), { subject: 'The file' });
      return head.splice(0);
    };
    for await (const bytes of content) {
      size += bytes.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      if (looked) yield bytes;
      else head.push(bytes);
      if (!looked && size >= HEAD_BYTES) yield* look();
    }
    if (!looked) yield* look();
  };
  const { sha256 } = await blobs.write(assetKey(id), checked());
  return { id, fileType, sha256 };
}

function tooLarge(maxBytes: number): ReelvecError {
  return new ReelvecError(
    'video_filesize_too_large',
    `file is larger than the ${maxBytes} bytes that a direct upload may have. Use method url for larger files.`,
    { details: { field: 'file', max_bytes: maxBytes } },
  );
}
