import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { untilAborted } from '../until-aborted.ts';

/** Consumer of a piece. The returned promise, if any, delays the next piece. */
type TakePiece = (piece: Uint8Array) => Promise<void> | undefined;

/**
 * Passes the pieces of content to a consumer, in order. Streams are read by `data` events: async iteration takes longer
 * per piece than a write, and stalls the sender each time. A stream that is not read to its end is left paused.
 * @param signal ends the wait for bytes that never come
 * @throws the error of `take`, the error of the content, or the abort reason
 */
export async function forEachPiece(
  content: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  take: TakePiece,
  signal?: AbortSignal,
): Promise<void> {
  if (content instanceof Readable) return listen(content, take, signal);
  const pieces = Array.isArray(content) ? content : untilAborted(content as AsyncIterable<Uint8Array>, signal);
  for await (const piece of pieces as AsyncIterable<Uint8Array>) {
    const taking = take(piece);
    if (taking) await taking;
  }
}

async function listen(stream: Readable, take: TakePiece, signal?: AbortSignal): Promise<void> {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  let isOver = false;
  let taking: Promise<void> | undefined;
  const onData = (piece: Uint8Array) => {
    try {
      taking = take(piece);
      if (!taking) return;
      stream.pause();
      taking.then(() => {
        if (!isOver) stream.resume();
      }, fail);
    } catch (error) {
      stream.pause();
      fail(error);
    }
  };
  stream.on('data', onData);
  try {
    // `end` may be reported while the last piece is still being consumed.
    const end = finished(stream, { writable: false, signal, cleanup: true }).then(() => taking);
    await Promise.race([end, failed]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    isOver = true;
    stream.off('data', onData).pause();
  }
}
