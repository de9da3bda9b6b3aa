import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Bytes as a stream. Waits for the first of them: what cannot be read at all is still answered with an error.
 */
export async function streamOf(content: AsyncGenerator<Uint8Array>): Promise<Readable> {
  const first = await content.next();
  async function* bytes() {
    if (!first.done) yield first.value;
    for await (const piece of content) {
      yield piece;
      // Who compresses the last piece beside this thread is heard, and given the next, while that one is written.
      await nextTurn();
    }
  }
  // A stream that is given up before it was read never enters the generator: the content is closed here then.
  return Readable.from(bytes()).once('close', () => content.return(undefined));
}

/** The JSON text of an object whose `data` is text already. Waits for the first of it, as `streamOf` does. */
export function withData(facts: object, data: AsyncGenerator<Uint8Array>): Promise<Readable> {
  async function* text() {
    yield* data;
    yield Buffer.from('}');
  }
  return streamOf(after(Buffer.from(`${JSON.stringify(facts).slice(0, -1)},"data":`), text()));
}

/** Puts bytes in front, together with the first that follow. */
async function* after(head: Uint8Array, content: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    const first = await content.next();
    yield Buffer.concat([head, ...(first.done ? [] : [first.value])]);
    yield* content;
  } finally {
    await content.return(undefined);
  }
}
