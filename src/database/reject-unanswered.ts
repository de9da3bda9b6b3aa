import type postgres from 'postgres';

/** Internals of a postgres.js query: `handler` executes it, and its connection resolves it. */
export interface Query {
  handler(query: unknown): void;
  resolve(result: { readonly command?: string | null }): void;
  reject(error: Error): void;
}

/**
 * Wraps a pool so that queries resolved without an answer are rejected. postgres.js 3.4.9 loses a query that it assigns
 * to a connection between its failure and its close, and resolves it without rows once the connection reopens: an
 * existing row would seem to be missing. Real answers of PostgreSQL carry a command tag.
 */
export function rejectUnanswered(sql: postgres.Sql): postgres.Sql {
  return new Proxy(sql, {
    apply: (target, self, args) => guarded(Reflect.apply(target, self, args)),
    get(target, name) {
      if (name !== 'unsafe') return Reflect.get(target, name);
      return (...args: Parameters<postgres.Sql['unsafe']>) => guarded(target.unsafe(...args));
    },
  });
}

/** Guards a result of a pool call: a query, or a query fragment, which is never resolved. */
function guarded<T>(made: T): T {
  if (!isQuery(made)) return made;
  const resolve = made.resolve;
  made.resolve = (result) => {
    if (typeof result.command === 'string') resolve(result);
    else
      made.reject(
        Object.assign(new Error('The connection broke before the query was sent.'), { code: 'CONNECTION_CLOSED' }),
      );
  };
  return made;
}

/** True for a query or a fragment of one. */
export function isQuery(made: unknown): made is Query {
  return made instanceof Promise && 'resolve' in made && typeof made.resolve === 'function';
}
