import { setFlagsFromString } from 'node:v8';

/**
 * V8 flags for a process through which much content passes. Node allocates a buffer for each 64 KB of a connection or
 * file. Nearly all of them die young, but V8 counts them against limits that are meant for its own heap.
 *
 * - `scavenger-max-new-space-capacity-mb`: collects the young generation after 16 MB of new buffers, at 0.5 ms each time,
 *   instead of 128 MB, when a full collection has begun already.
 * - `heap-growing-percent`: starts a full collection when the heap, buffers included, is half as large again as after the
 *   last one. V8 would allow 12 MB with a heap of 40 MB, and mark the whole heap for every 12 to 30 MB of an upload, which
 *   takes the receiving thread 30 ms.
 */
const FLAGS = ['--scavenger-max-new-space-capacity-mb=4', '--heap-growing-percent=50'];

/** Tunes V8 for a process that passes content on. Another version of V8 may report a flag that it does not know. */
export function tuneGarbageCollection(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
