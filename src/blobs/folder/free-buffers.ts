import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers between two collections. V8 starts a full collection after about twice as many. */
const COLLECTION_INTERVAL_BYTES = 32 * 1024 ** 2;

let collect: ((options: { type: 'minor' }) => void) | undefined;
let bytesSinceCollection = 0;

/**
 * Reports bytes of discarded buffers, and collects the young generation after every 32 MiB. Node allocates a buffer for
 * each 64 KB of a connection or file; with few objects beside them the young generation does not fill up, so V8 notices
 * the buffers only as external memory and then collects the full heap, a second per gigabyte. A collection of the young
 * generation frees them too, in a thousandth of that time.
 */
export function freeBuffers(bytes: number): void {
  bytesSinceCollection += bytes;
  if (bytesSinceCollection < COLLECTION_INTERVAL_BYTES) return;
  bytesSinceCollection = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

function exposeCollector(): typeof collect & {} {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
