import type postgres from 'postgres';

/** A query of postgres.js, which its connection resolves. */
interface Query {
  resolve(result: { readonly command?: string | null }): void;
  reject(error: Error): void;
}

/**
 * A pool whose queries are rejected when they were resolved without an answer. postgres.js 3.4.9 loses a query that it gives
 * to a connection between its failure and its close, and resolves it with no rows when the connection is open anew: a row that
 * exists would be taken for missing. An answer of PostgreSQL names its command.
 */
export function rejectUnanswered(sql: postgres.Sql): postgres.Sql {
  return new Proxy(sql, {
    apply: (target, self, args) => watched(Reflect.apply(target, self, args)),
    get(target, name) {
      if (name !== 'unsafe') return Reflect.get(target, name);
      return (...args: Parameters<postgres.Sql['unsafe']>) => watched(target.unsafe(...args));
    },
  });
}

/** What a call of the pool gives: a query, or a part of one, which is never resolved. */
function watched<T>(made: T): T {
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

function isQuery(made: unknown): made is Query {
  return made instanceof Promise && 'resolve' in made && typeof made.resolve === 'function';
}
