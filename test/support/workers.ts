import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { childrenOf, type RunningServer } from './server.ts';

/** Media workers of a server with an open file whose path contains a text, such as a task id (Linux). */
export function workersReading(server: RunningServer, text: string): number[] {
  return childrenOf(server.pid).filter((pid) => openFiles(pid).some((path) => path.includes(text)));
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  } catch {
    return []; // ended meanwhile
  }
}

/** Initial environment of a process, one `NAME=value` each (Linux). */
export function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter(Boolean);
}

/** True if a text is in the written memory of a process, as one-byte or two-byte characters (Linux). */
export function hasInMemory(pid: number, text: string): boolean {
  const wanted = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le')];
  const piece = Buffer.alloc(PIECE_BYTES + wanted[1]!.length);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [from, to] of writtenRanges(pid)) {
      for (let at = from; at < to; at += PIECE_BYTES) {
        const size = readPart(memory, piece.subarray(0, to - at), at);
        if (wanted.some((bytes) => piece.subarray(0, size).includes(bytes))) return true;
      }
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

const PIECE_BYTES = 1024 ** 2;

/** Addresses of writable memory that is resident at least in part: most of what V8 reserves is not. */
function writtenRanges(pid: number): [from: number, to: number][] {
  const mappings = readFileSync(`/proc/${pid}/smaps`, 'latin1').matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) rw.*?^Rss:\s+(\d+) kB/gms,
  );
  return [...mappings]
    .filter(([, , , residentKb]) => residentKb !== '0')
    .map(([, from, to]) => [Number(`0x${from}`), Number(`0x${to}`)]);
}

function readPart(file: number, into: Buffer, at: number): number {
  try {
    return readSync(file, into, 0, into.length, at);
  } catch {
    return 0; // unmapped meanwhile
  }
}
