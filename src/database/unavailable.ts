/**
 * What postgres.js and the operating system say when there is no database to be had for a while: no connection, or one that
 * broke.
 */
const UNREACHABLE = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What PostgreSQL says then (appendix A of its manual): broken connections, too many of them, it starts or stops. */
const AWAY = /^(08...|53300|57P..)$/;
/** What else says nothing of the query: deadlocks and conflicts, a full disk or memory, failing hardware. */
const PASSING = /^(40...|53...|58...)$/;

/** Whether an error of a query says that the database is away: no fault of the query, and soon over. */
export function isDatabaseUnavailable(error: unknown): boolean {
  // A host with several addresses, none of which answers.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseUnavailable);
  const { code, syscall, name } = error as { code?: unknown; syscall?: unknown; name?: unknown };
  if (typeof code !== 'string') return false;
  if (name === 'PostgresError') return AWAY.test(code);
  return UNREACHABLE.has(code) && (code.startsWith('CONNECT') || syscall !== undefined);
}

/**
 * Whether a query that failed may succeed when it is repeated as it is: {@link isDatabaseUnavailable}, or PostgreSQL gave it up. False
 * for errors of the network that are not of a query, such as those of a bucket.
 */
export function isTransientQueryError(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === 'PostgresError') return isDatabaseUnavailable(error) || PASSING.test(String(code));
  // postgres.js names the query in every error that it rejects one with.
  const isOfQuery = String(code).startsWith('CONNECT') || Object.hasOwn(error as object, 'query');
  return isOfQuery && isDatabaseUnavailable(error);
}
