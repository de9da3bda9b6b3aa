/**
 * Stands in for `node:test` in test files: their tests become subtests of the run that imports the file. The first failure is
 * noted, and the tests after it do nothing.
 */
import type { TestContext, TestOptions } from 'node:test';

export { mock } from 'node:test';

type Body = (t: TestContext) => unknown;
type Declare = (name: string, options: TestOptions, body: (t: TestContext) => Promise<void>) => Promise<unknown>;
type Args = [name: string, options: TestOptions, body: Body] | [name: string, body: Body];

let parent: TestContext | undefined;
let pending: Promise<unknown>[] = [];

export const scope = {
  failed: undefined as string | undefined,
  begin(): void {
    scope.failed = undefined;
  },
  /** Registers the tests that `body` declares under `t`, and waits for them. */
  async register(t: TestContext, body: () => unknown): Promise<void> {
    [parent, pending] = [t, []];
    const mine = pending;
    try {
      await body();
      await Promise.all(mine);
    } catch (error) {
      scope.failed ??= `${t.name}: ${String(error)}`;
      throw error;
    }
  },
};

export function test(...args: Args): Promise<unknown> {
  const result = declare(parent!.test.bind(parent) as Declare, args);
  pending.push(result);
  return result;
}

function declare(subtest: Declare, args: Args): Promise<unknown> {
  const [name, options, body] = args.length === 2 ? [args[0], {}, args[1]] : args;
  return subtest(name, options, async (t) => {
    if (scope.failed !== undefined) return;
    // Notes uncaught exceptions, which throw nothing here.
    t.after(() => {
      if (!hasPassed(t)) scope.failed ??= name;
    });
    const subtest = t.test.bind(t) as Declare;
    Object.assign(t, { test: (...nested: Args) => declare(subtest, nested) });
    try {
      await body(t);
    } catch (error) {
      scope.failed ??= name;
      throw error;
    }
  });
}

export function describe(...args: Args): Promise<unknown> {
  const [name, options, body] = args.length === 2 ? [args[0], {}, args[1]] : args;
  const result = parent!.test(name, options, async (t) => {
    const outer = { parent, pending };
    [parent, pending] = [t, []];
    const mine = pending;
    try {
      body(t);
    } finally {
      ({ parent, pending } = outer);
    }
    await Promise.all(mine);
  });
  pending.push(result);
  return result;
}

export const it = test;
export const suite = describe;
export const before = (hook: () => unknown): void => parent!.before(noted('before', hook));
export const after = (hook: () => unknown): void => parent!.after(noted('after', hook));
export const beforeEach = (hook: () => unknown): void => parent!.beforeEach(noted('beforeEach', hook));
export const afterEach = (hook: () => unknown): void => parent!.afterEach(noted('afterEach', hook));
export default test;

/** Only valid in an `after` hook. The types of Node lack the property. */
function hasPassed(t: TestContext): boolean {
  return (t as TestContext & { passed: boolean }).passed;
}

function noted(name: string, hook: () => unknown): () => Promise<void> {
  return async () => {
    try {
      await hook();
    } catch (error) {
      scope.failed ??= name;
      throw error;
    }
  };
}
