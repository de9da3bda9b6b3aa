import { once } from 'node:events';
import { type RunningServer, until } from './server.ts';

/** Flags for a server that {@link Inspector} shall look into: its inspector takes a free port once it is asked for. */
export const INSPECTABLE = ['--inspect-port=127.0.0.1:0'];

interface Answer {
  readonly id?: number;
  // biome-ignore lint/suspicious/noExplicitAny: each method of the protocol has its own
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/** Looks into a running server through the Chrome DevTools Protocol, which Node starts to speak on SIGUSR1. */
export class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer: Answer = JSON.parse(data);
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  static async attach(server: RunningServer): Promise<Inspector> {
    process.kill(server.pid, 'SIGUSR1');
    const url = () => /Debugger listening on (ws:\S+)/.exec(server.output())?.[1];
    await until(() => url() !== undefined, 10_000, 'the inspector listens');
    const socket = new WebSocket(url()!);
    await once(socket, 'open');
    return new Inspector(socket);
  }

  /** @returns the value of an expression, which must be JSON */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return result.value;
  }

  /**
   * Collects the garbage, then has a function look at all objects that are left of a kind.
   * @param prototype expression for what they inherit from: `AbortSignal.prototype`
   * @param look source of a function that gets the list of them and returns JSON
   */
  async queryObjects<T>(prototype: string, look: string): Promise<T> {
    const group = { objectGroup: 'query' };
    const { result } = await this.#ask('Runtime.evaluate', { expression: prototype, ...group });
    const { objects } = await this.#ask('Runtime.queryObjects', { prototypeObjectId: result.objectId, ...group });
    const looked = await this.#ask('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: `function () { return (${look})(this); }`,
      returnByValue: true,
    });
    await this.#ask('Runtime.releaseObjectGroup', group);
    return looked.result.value;
  }

  async collectGarbage(): Promise<void> {
    await this.#ask('HeapProfiler.collectGarbage');
  }

  async #ask(method: string, params: object = {}): Promise<NonNullable<Answer['result']>> {
    const id = ++this.#asked;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await promise.finally(() => this.#waiting.delete(id));
    const thrown = result?.exceptionDetails;
    if (error || thrown)
      throw new Error(`${method}: ${error?.message ?? thrown.exception?.description ?? thrown.text}`);
    return result;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
