import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Converts chunks to a stream. Waits for the first chunk, so that unreadable content still gets an error response.
 */
export async function streamOf(content: AsyncGenerator<Uint8Array>): Promise<Readable> {
  const first = await content.next();
  async function* bytes() {
    if (!first.done) yield first.value;
    for await (const piece of content) {
      yield piece;
      // Lets the compressor's thread report the last chunk and take the next one meanwhile.
      await nextTurn();
    }
  }
  // A stream destroyed before the first read never enters the generator, so the content is closed here.
  return Readable.from(bytes()).once('close', () => content.return(undefined));
}

/** Streams a JSON object whose `data` is already text. Waits for the first chunk, like {@link streamOf}. */
export function withData(facts: object, data: AsyncGenerator<Uint8Array>): Promise<Readable> {
  return between(`${JSON.stringify(facts).slice(0, -1)},"data":`, data, '}');
}

/** Streams text between two others. Waits for the first chunk, like {@link streamOf}. */
export function between(head: string, content: AsyncGenerator<Uint8Array>, tail: string): Promise<Readable> {
  async function* text() {
    yield* content;
    yield Buffer.from(tail);
  }
  return streamOf(prepend(Buffer.from(head), text()));
}

/** Prepends bytes to the first chunk. */
async function* prepend(head: Uint8Array, content: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    const first = await content.next();
    yield Buffer.concat([head, ...(first.done ? [] : [first.value])]);
    yield* content;
  } finally {
    await content.return(undefined);
  }
}
