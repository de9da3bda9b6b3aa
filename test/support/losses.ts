type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Connection loss at the nth call of a method since arming, before or after the method's effect. */
export interface Loss {
  /** `Class.method`. */
  readonly method: string;
  readonly when: 'before' | 'after';
  readonly nth: number;
}

/** Counts the calls of all asynchronous methods of some classes, and makes one of them lose its connection to PostgreSQL. */
export class Losses implements Disposable {
  readonly #undo: (() => void)[] = [];
  #calls = new Map<string, number>();
  #armed: Loss | undefined;

  constructor(classes: readonly { readonly name: string; readonly prototype: object }[]) {
    for (const { name, prototype } of classes) {
      for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (value?.constructor.name !== 'AsyncFunction') continue;
        this.#wrap(prototype as Record<string, Method>, key, `${name}.${key}`);
      }
    }
  }

  /** Number of calls since the last arming, by method. */
  get calls(): ReadonlyMap<string, number> {
    return this.#calls;
  }

  /** True once the armed loss has happened. */
  get hasStruck(): boolean {
    return this.#armed === undefined;
  }

  arm(loss: Loss | undefined): void {
    this.#calls = new Map();
    this.#armed = loss;
  }

  [Symbol.dispose](): void {
    for (const restore of this.#undo) restore();
  }

  #wrap(prototype: Record<string, Method>, key: string, method: string): void {
    const original = prototype[key]!;
    const losses = this;
    prototype[key] = async function (...args) {
      const nth = (losses.#calls.get(method) ?? 0) + 1;
      losses.#calls.set(method, nth);
      const loss = losses.#armed;
      if (loss?.method !== method || loss.nth !== nth) return original.apply(this, args);
      losses.#armed = undefined;
      if (loss.when === 'after') await original.apply(this, args);
      // Without `errno` and `severity`: OpenWorkflow would take the connection, which is intact, for closed.
      throw Object.assign(new Error('terminating connection due to administrator command'), {
        name: 'PostgresError',
        code: '57P01',
      });
    };
    this.#undo.push(() => {
      prototype[key] = original;
    });
  }
}
