import { partRange } from '../../blobs/uploads.ts';
import { ReelvecError } from '../../errors.ts';
import { chunkCount, type MultipartUpload, partialBlob, type StoredChunk } from './upload.ts';

/** Client's report of a sent chunk. */
export interface ReportedChunk {
  readonly number: number;
  readonly size: number;
  readonly proof: string;
}

/** @param i position in the report @throws parameter_invalid if the upload has no such chunk, or one of another size */
export function checkPlan(upload: MultipartUpload, { number, size }: ReportedChunk, i: number): void {
  const total = chunkCount(upload);
  if (number > total) {
    const field = `completed_chunks.${i}.chunk_index`;
    throw new ReelvecError('parameter_invalid', `${field} is ${number}, but the upload has ${total} chunks.`, {
      details: { field, value: number, total_chunks: total },
    });
  }
  const expected = partRange(partialBlob(upload), number).size;
  if (size === expected) return;
  const field = `completed_chunks.${i}.chunk_size`;
  throw new ReelvecError('parameter_invalid', `${field} is ${size}; chunk ${number} has ${expected} bytes.`, {
    details: { field, value: size, chunk_index: number, expected_bytes: expected },
  });
}

/** @param i position in the report @throws parameter_invalid if the chunk is missing, or stored with another size or ETag */
export function checkProof({ number, proof, size }: ReportedChunk, stored: StoredChunk | undefined, i: number): void {
  const details = { field: `completed_chunks.${i}`, chunk_index: number };
  if (!stored) {
    throw new ReelvecError('parameter_invalid', `Chunk ${number} has not been received. Send it to its URL first.`, {
      details,
    });
  }
  if (
    stored.size !== size ||
    stored.etag.toLowerCase() !== proof.replace(/^W\//, '').replaceAll('"', '').toLowerCase()
  ) {
    throw new ReelvecError(
      'parameter_invalid',
      `completed_chunks.${i}.proof is not the ETag that chunk ${number} was answered with. Send the chunk again.`,
      { details: { ...details, field: `completed_chunks.${i}.proof` } },
    );
  }
}
