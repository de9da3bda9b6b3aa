import type { TransformOptions } from 'node:stream';
import { constants, type ZlibOptions, type ZstdOptions } from 'node:zlib';
import type { FastifyCompressOptions } from '@fastify/compress';

/** In order of preference. Zstandard compresses vectors better than gzip in half the time. */
const encodings: FastifyCompressOptions['encodings'] = ['zstd', 'gzip', 'deflate', 'identity'];

/** Options of all compressors. The plugin passes the same object to each, which ignores what it does not know. */
type CompressorOptions = ZlibOptions & Pick<ZstdOptions, 'params'> & TransformOptions;

/** Fastest level of each compressor. */
const FASTEST: CompressorOptions = { level: 1, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Compression of responses: at the fastest level, because each is read once. */
export const COMPRESSION: FastifyCompressOptions = { encodings, zlibOptions: FASTEST, globalDecompression: false };

/** Huffman coding only; see {@link COMPRESSION_OF_NUMBERS}. Buffer sizes in bytes. */
const NUMBER_OPTIONS: CompressorOptions = {
  ...FASTEST,
  strategy: constants.Z_HUFFMAN_ONLY,
  memLevel: 9,
  chunkSize: 64 * 1024,
  writableHighWaterMark: 256 * 1024,
};

/**
 * Compression of responses that are mostly numbers. Digits do not repeat, so string matching costs gzip more than half
 * of its time for less than a tenth of the size; Huffman coding alone remains. The write buffer holds several chunks,
 * so that the compressor is not idle while the next chunk is written.
 */
export const COMPRESSION_OF_NUMBERS: FastifyCompressOptions = { encodings, zlibOptions: NUMBER_OPTIONS };
