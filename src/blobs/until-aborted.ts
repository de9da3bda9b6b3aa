/** Passes content through; an abort ends the wait for bytes that never come. */
export function untilAborted(content: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return signal ? abortable(content, signal) : content;
}

/**
 * Uses one listener for all pieces: checking or subscribing to a composite signal takes longer than writing a piece.
 * Does not use `Promise.race`: against one long-lived abort promise it would keep every piece in memory until the end.
 */
async function* abortable(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  let endWait: (reason: unknown) => void = () => {};
  let isAborted = signal.aborted;
  const abort = () => {
    isAborted = true;
    endWait(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  let ended = false;
  try {
    for (;;) {
      if (isAborted) throw signal.reason;
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        endWait = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done) break;
      yield next.value;
    }
    ended = true;
  } finally {
    signal.removeEventListener('abort', abort);
    // Not awaited: a generator that hangs in an `await` of its own settles `return` only after that.
    if (!ended) iterator.return?.().then(undefined, () => {});
  }
}
