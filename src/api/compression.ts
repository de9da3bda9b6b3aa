import type { TransformOptions } from 'node:stream';
import { constants, type ZlibOptions } from 'node:zlib';
import type { FastifyCompressOptions } from '@fastify/compress';

const encodings: FastifyCompressOptions['encodings'] = ['gzip', 'deflate', 'identity'];

/** Answers are compressed when asked, at the least effort: they are read once. */
export const COMPRESSION: FastifyCompressOptions = { encodings, zlibOptions: { level: 1 } };

/** With what Node hands on to the stream and its types of zlib do not know. */
const ON_NUMBERS: ZlibOptions & TransformOptions = {
  level: 1,
  strategy: constants.Z_HUFFMAN_ONLY,
  memLevel: 9,
  chunkSize: 64 * 1024,
  writableHighWaterMark: 256 * 1024,
};

/**
 * For answers that are numbers for the most part. Their digits do not repeat, so looking for repetitions takes more than
 * half of the time and makes them no tenth smaller: what is left is to write ten digits in fewer bits. Some pieces wait for
 * the compressor, so that it is not idle while the next is written.
 */
export const COMPRESSION_OF_NUMBERS: FastifyCompressOptions = { encodings, zlibOptions: ON_NUMBERS };
