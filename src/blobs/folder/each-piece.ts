import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { untilAborted } from '../until-aborted.ts';

/** Takes a piece. What it answers is waited for before the next; nothing, where there is nothing to wait for. */
type TakePiece = (piece: Uint8Array) => Promise<void> | undefined;

/**
 * Hands content over piece by piece, in order. A stream is listened to instead of asked for each of its pieces: asking takes
 * longer than writing one, and stops the sender every time. One that is not read to its end is left as it is, paused.
 * @param signal ends the wait for bytes that never come
 * @throws what `take` throws, why the content broke off, or why it was aborted
 */
export async function eachPiece(
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
    // The end may be told of while the last piece is still being taken.
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
