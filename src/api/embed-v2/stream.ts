import { Readable } from 'node:stream';

/**
 * The JSON text of an object whose `data` is text already. Waits for the first of it: what cannot be read at all is
 * still answered with an error.
 */
export async function withData(facts: object, data: AsyncGenerator<Uint8Array>): Promise<Readable> {
  const first = await data.next();
  async function* text() {
    yield Buffer.from(`${JSON.stringify(facts).slice(0, -1)},"data":`);
    yield first.value;
    yield* data;
    yield Buffer.from('}');
  }
  // A stream that is given up before it was read never enters the generator: the result is closed here then.
  return Readable.from(text()).once('close', () => data.return(undefined));
}
