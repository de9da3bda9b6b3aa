import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8 starts to collect its whole heap after about twice as many bytes of new buffers. */
const EVERY_BYTES = 32 * 1024 ** 2;

let collect: ((options: { type: 'minor' }) => void) | undefined;
let passed = 0;

/**
 * To be told of bytes that came in buffers which nobody needs any more. Node allocates one for every 64 KB of a
 * connection or a file; with few objects beside them the young generation does not fill up, so that V8 notices them only
 * as memory outside of its heap and then goes through all of it, a second for each gigabyte. Collecting the young
 * generation frees them too, in a thousandth of that.
 */
export function freeBuffers(bytes: number): void {
  passed += bytes;
  if (passed < EVERY_BYTES) return;
  passed = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

function exposeCollector(): typeof collect & {} {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
