import { once } from 'node:events';
import { type RunningServer, until } from './server.ts';

/** Node flags of a server to inspect: the inspector, once started, listens on a free port. */
export const INSPECTABLE = ['--inspect-port=127.0.0.1:0'];

interface Answer {
  readonly id?: number;
  // biome-ignore lint/suspicious/noExplicitAny: the type differs by method
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/** Client of a running server's Chrome DevTools Protocol, which Node starts on SIGUSR1. */
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

  /** Evaluates an expression. @returns its value, which must be JSON */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return result.value;
  }

  /**
   * Collects garbage, then passes all live objects with a prototype to a function in the server.
   * @param prototype expression: `AbortSignal.prototype`
   * @param inspect source of a function from the list of objects to JSON
   */
  async queryObjects<T>(prototype: string, inspect: string): Promise<T> {
    const group = { objectGroup: 'query' };
    const { result } = await this.#ask('Runtime.evaluate', { expression: prototype, ...group });
    const { objects } = await this.#ask('Runtime.queryObjects', { prototypeObjectId: result.objectId, ...group });
    const inspected = await this.#ask('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: `function () { return (${inspect})(this); }`,
      returnByValue: true,
    });
    await this.#ask('Runtime.releaseObjectGroup', group);
    return inspected.result.value;
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
