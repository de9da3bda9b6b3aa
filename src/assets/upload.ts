import type { BlobStore } from '../blobs/store.ts';
import { newId } from '../database/ids.ts';
import { ReelvecError } from '../errors.ts';
import { animationType } from '../sources/media-magic.ts';
import { HEAD_BYTES, requireMediaOrImage } from '../sources/sniff.ts';
import { assetKey } from './blobs.ts';

/** Stored file without an asset: create its asset, or discard it. */
export interface Upload {
  /** Becomes the id of the asset. */
  readonly id: string;
  readonly fileType?: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content (lower-case hex), if known from the write. */
  readonly sha256?: string;
}

/**
 * Stores an upload as it arrives.
 * @param options.bytesLeft remaining storage quota of the owner, in bytes
 * @throws source_not_media according to the first bytes; video_filesize_too_large as soon as the limit is exceeded
 */
export async function storeUpload(
  blobs: BlobStore,
  content: AsyncIterable<Uint8Array>,
  { maxBytes, maxImageBytes, bytesLeft }: { maxBytes: number; maxImageBytes: number; bytesLeft: number },
): Promise<Upload> {
  const id = newId();
  let fileType: string | undefined;
  const head: Uint8Array[] = [];
  let seen = 0;
  let limit = maxBytes;
  const checkHead = () => {
    const bytes = Buffer.concat(head.splice(0));
    fileType = requireMediaOrImage(bytes, { subject: 'The file', details: { field: 'file' } });
    if (fileType?.startsWith('image/') && !animationType(bytes)) limit = Math.min(limit, maxImageBytes);
    if (seen > limit) throw tooLarge(limit, fileType);
  };
  const onPiece = (piece: Uint8Array) => {
    const isHead = seen < HEAD_BYTES;
    seen += piece.length;
    // The insert of the asset would fail for the same reason: rejects without waiting for the rest.
    if (seen > bytesLeft) throw quotaExceeded(bytesLeft);
    if (seen > limit) throw tooLarge(limit, fileType);
    if (isHead) head.push(piece);
    if (isHead && seen >= HEAD_BYTES) checkHead();
  };
  const key = assetKey(id);
  const { size, sha256 } = await blobs.write(key, content, { onPiece });
  // A file shorter than HEAD_BYTES ended before the check of its head.
  if (size < HEAD_BYTES) {
    try {
      checkHead();
    } catch (error) {
      await blobs.remove(key);
      throw error;
    }
  }
  return { id, fileType, size, sha256 };
}

function tooLarge(maxBytes: number, fileType: string | undefined): ReelvecError {
  const message = fileType?.startsWith('image/')
    ? `file is larger than the ${maxBytes} bytes that an image may have.`
    : `file is larger than the ${maxBytes} bytes that a direct upload may have. Upload it in chunks, or use method url.`;
  const code = fileType?.startsWith('image/')
    ? 'image_filesize_too_large'
    : fileType?.startsWith('audio/')
      ? 'audio_filesize_too_large'
      : 'video_filesize_too_large';
  return new ReelvecError(code, message, { details: { field: 'file', max_bytes: maxBytes } });
}

function quotaExceeded(bytesLeft: number): ReelvecError {
  return new ReelvecError(
    'usage_limit_exceeded',
    `${bytesLeft} bytes may still be stored with this key; file is larger. Delete assets that are not needed.`,
    { details: { field: 'file', bytes_left: bytesLeft } },
  );
}
