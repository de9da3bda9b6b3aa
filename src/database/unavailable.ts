/** Error codes of postgres.js and the operating system for a missing or broken connection. */
const CONNECTION_ERROR_CODES = new Set([
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
/**
 * SQLSTATEs (PostgreSQL manual, appendix A) for an unavailable server: broken connections, too many of them, starting
 * or stopping.
 */
const UNAVAILABLE_SQLSTATE = /^(08...|53300|57P..)$/;
/** SQLSTATEs for other transient failures: deadlocks and conflicts, a full disk or memory, failing hardware. */
const TRANSIENT_SQLSTATE = /^(40...|53...|58...)$/;

/** True if a query failed because the database is unavailable, rather than by its own fault. */
export function isDatabaseUnavailable(error: unknown): boolean {
  // All addresses of a host failed.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseUnavailable);
  const { code, syscall, name } = error as { code?: unknown; syscall?: unknown; name?: unknown };
  if (typeof code !== 'string') return false;
  if (name === 'PostgresError') return UNAVAILABLE_SQLSTATE.test(code);
  if (!CONNECTION_ERROR_CODES.has(code)) return false;
  // Node's EPIPE for a socket that the other side has ended has no system call; postgres.js adds `query` to it.
  return code.startsWith('CONNECT') || syscall !== undefined || Object.hasOwn(error as object, 'query');
}

/**
 * True if the same query may succeed on retry: the database is unavailable, or PostgreSQL cancelled the query. False
 * for network errors of anything but a query, such as those of a bucket.
 */
export function isTransientQueryError(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === 'PostgresError') return isDatabaseUnavailable(error) || TRANSIENT_SQLSTATE.test(String(code));
  // postgres.js adds `query` to every error of a query.
  const isOfQuery = String(code).startsWith('CONNECT') || Object.hasOwn(error as object, 'query');
  return isOfQuery && isDatabaseUnavailable(error);
}
