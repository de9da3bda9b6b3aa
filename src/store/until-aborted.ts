/** The content, except that an abort ends the wait for bytes that never come. */
export async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await nextOrAbort(iterator, signal);
      if (next.done) break;
      yield next.value;
    }
    ended = true;
  } finally {
    // Not waited for: a generator that hangs in its own `await` answers `return` only after that.
    if (!ended) iterator.return?.().then(undefined, () => {});
  }
}

/** Not `Promise.race`: against one long-lived abort promise it would keep every chunk in memory until the end. */
function nextOrAbort<T>(iterator: AsyncIterator<T>, signal?: AbortSignal): Promise<IteratorResult<T>> {
  if (!signal) return iterator.next();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
