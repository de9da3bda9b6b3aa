/**
 * What postgres.js and PostgreSQL say when there is no database to be had for a while: no connection, one that broke,
 * too many of them, a server that starts or stops (appendix A of its manual).
 */
const AWAY = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  '53300',
  '57P01',
  '57P02',
  '57P03',
]);

/** Whether an error of a query says that the database is away: no fault of the query, and soon over. */
export function isDatabaseAway(error: unknown): boolean {
  const { code, syscall, name } = error as { code?: string; syscall?: string; name?: string };
  if (code === undefined || !AWAY.has(code)) return false;
  return name === 'PostgresError' || code.startsWith('CONNECT') || syscall !== undefined;
}
