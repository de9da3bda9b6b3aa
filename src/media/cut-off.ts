import {
  AV_PKT_FLAG_CORRUPT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVIO_FLAG_READ,
  AVMEDIA_TYPE_AUDIO,
} from 'node-av/constants';
import { Frame, IOContext, type Packet, type Stream } from 'node-av/lib';
import type { Container } from './container.ts';
import { openDecoder } from './track-reader.ts';

/** Bytes at the start of a Matroska file that contain the segment header. */
const MATROSKA_HEAD_BYTES = 1024;
/** EBML ID of the file header. */
const EBML_HEADER = 0x1a45dfa3;
/** EBML ID of the segment, which contains everything else. */
const MATROSKA_SEGMENT = 0x18538067;

/**
 * True for a truncated file, in contrast to one whose header declares too long a duration: its last packet is incomplete,
 * or its outermost element is longer than the file.
 * @param last the last packet of each track
 */
export function isCutOff(container: Container, last: readonly { stream: Stream; packet: Packet }[]): boolean {
  return last.some(({ stream, packet }) => isPartial(stream, packet)) || isShorterThanSegment(container);
}

/** True for a truncated packet. FFmpeg flags those, except in formats without container packets, such as FLAC. */
function isPartial(stream: Stream, packet: Packet): boolean {
  if ((packet.flags & AV_PKT_FLAG_CORRUPT) !== 0) return true;
  if (stream.codecpar.codecType !== AVMEDIA_TYPE_AUDIO) return false;
  const decoder = openDecoder(stream, {});
  if (!decoder) return false;
  using frame = new Frame();
  frame.alloc();
  try {
    if (decoder.sendPacketSync(packet) < 0) return true;
    const received = decoder.receiveFrameSync(frame);
    return received < 0 && received !== AVERROR_EAGAIN && received !== AVERROR_EOF;
  } finally {
    decoder.freeContext();
  }
}

/** True if a Matroska segment is longer than the file. No other format declares this length; streamed files omit it. */
function isShorterThanSegment({ context: { iformat, url } }: Container): boolean {
  if (iformat?.name !== 'matroska,webm' || url === null) return false;
  using file = new IOContext();
  if (file.open2Sync(url, AVIO_FLAG_READ) < 0) return false;
  const head = file.readSync(MATROSKA_HEAD_BYTES);
  if (typeof head === 'number') return false;
  const segment = segmentOf(head);
  return segment !== undefined && segment.start + segment.size > Number(file.sizeSync());
}

function segmentOf(head: Buffer): { start: number; size: number } | undefined {
  if (head.length < 12 || head.readUInt32BE(0) !== EBML_HEADER) return undefined;
  const header = sizeAt(head, 4);
  if (!header || header.end + header.size + 12 > head.length) return undefined;
  const at = header.end + header.size;
  if (head.readUInt32BE(at) !== MATROSKA_SEGMENT) return undefined;
  const segment = sizeAt(head, at + 4);
  return segment && { start: segment.end, size: segment.size };
}

/** Reads an EBML size. Its length in bytes is the number of leading zero bits plus one; all ones mean "unknown". */
function sizeAt(bytes: Buffer, at: number): { end: number; size: number } | undefined {
  const length = Math.clz32(bytes[at]!) - 23;
  if (length > 8 || at + length > bytes.length) return undefined;
  let value = BigInt(bytes[at]!) & ((1n << BigInt(8 - length)) - 1n);
  for (const byte of bytes.subarray(at + 1, at + length)) value = (value << 8n) | BigInt(byte);
  const isUnknown = value === (1n << BigInt(7 * length)) - 1n;
  return isUnknown ? undefined : { end: at + length, size: Number(value) };
}
