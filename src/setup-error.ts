import { getSystemErrorMessage } from 'node:util';
import { isReelvecError } from './errors.ts';

/**
 * Unusable resource outside reelvec: a folder, a port, a database. The message tells the operator what to do, and the
 * command line prints it without a stack trace.
 */
export class SetupError extends Error {}

/** SQLite primary result codes caused by the file or the disk, not the statement (https://sqlite.org/rescode.html). */
const SQLITE_ENVIRONMENT_CODES = new Set([3, 5, 6, 8, 10, 11, 13, 14, 23, 26]);
/** PostgreSQL error classes and codes for connection, login and server state (appendix A of its manual). */
const POSTGRES_ENVIRONMENT_CODES = /^(08|28|3D|53|57P|42501)/;

/** Reason text of an operating system, SQLite or PostgreSQL error; undefined for any other error. */
function environmentFault(error: unknown): string | undefined {
  const { errors, syscall, errno, code, errcode, errstr, name, message } = (error ?? {}) as {
    [name in 'syscall' | 'code' | 'errstr' | 'name' | 'message']?: string;
  } & { errors?: unknown[]; errno?: number; errcode?: number };
  // Node's AggregateError: every address of a host refused the connection.
  if (errors?.[0] !== undefined) return environmentFault(errors[0]);
  if (errcode !== undefined) return SQLITE_ENVIRONMENT_CODES.has(errcode & 0xff) ? errstr : undefined;
  if (name === 'PostgresError') return POSTGRES_ENVIRONMENT_CODES.test(code ?? '') ? message : undefined;
  if (code === 'CONNECT_TIMEOUT') return 'no answer';
  return syscall !== undefined && errno !== undefined ? getSystemErrorMessage(errno) : undefined;
}

/**
 * Wraps an error with a cause outside reelvec in a {@link SetupError}. Other errors are returned unchanged.
 * @param what start of the message: "The data folder /data cannot be used"
 * @param advice sentence with the next step
 */
export function asSetupError(error: unknown, what: string, advice = ''): unknown {
  if (error instanceof SetupError) return error;
  // Client errors such as a full disk.
  if (isReelvecError(error)) return new SetupError(`${what}. ${error.message}`, { cause: error });
  const reason = environmentFault(error);
  if (reason === undefined) return error;
  return new SetupError(`${what}: ${reason}.${advice && ` ${advice}`}`, { cause: error });
}
