import { getSystemErrorMessage } from 'node:util';
import { isReelvecError } from './errors.ts';

/**
 * Something that reelvec stands on cannot be used: a folder, a port, a database. The message is for whoever runs it and
 * says what to do; the command line prints it without a stack.
 */
export class SetupError extends Error {}

/** Primary result codes that blame the file or the disk and not the statement (https://sqlite.org/rescode.html). */
const SQLITE_ENVIRONMENT_CODES = new Set([3, 5, 6, 8, 10, 11, 13, 14, 23, 26]);
/** PostgreSQL error classes and codes that blame the connection, the login or the server's state (appendix A). */
const POSTGRES_ENVIRONMENT_CODES = /^(08|28|3D|53|57P|42501)/;

/** The reason in an error of the operating system, SQLite or PostgreSQL; undefined for an error of any other kind. */
export function environmentFault(error: unknown): string | undefined {
  const { errors, syscall, errno, code, errcode, errstr, name, message } = (error ?? {}) as {
    [name in 'syscall' | 'code' | 'errstr' | 'name' | 'message']?: string;
  } & { errors?: unknown[]; errno?: number; errcode?: number };
  // A host with several addresses, none of which could be connected to.
  if (errors?.[0] !== undefined) return environmentFault(errors[0]);
  if (errcode !== undefined) return SQLITE_ENVIRONMENT_CODES.has(errcode & 0xff) ? errstr : undefined;
  if (name === 'PostgresError') return POSTGRES_ENVIRONMENT_CODES.test(code ?? '') ? message : undefined;
  if (code === 'CONNECT_TIMEOUT') return 'no answer';
  return syscall !== undefined && errno !== undefined ? getSystemErrorMessage(errno) : undefined;
}

/**
 * The error as a {@link SetupError} if its cause lies outside of reelvec, and as it is otherwise.
 * @param what the beginning of the sentence: "The data folder /data cannot be used"
 * @param advice a sentence on what to do
 */
export function asSetupError(error: unknown, what: string, advice = ''): unknown {
  if (error instanceof SetupError) return error;
  // What clients would be told, such as that the disk is full.
  if (isReelvecError(error)) return new SetupError(`${what}. ${error.message}`, { cause: error });
  const reason = environmentFault(error);
  if (reason === undefined) return error;
  return new SetupError(`${what}: ${reason}.${advice && ` ${advice}`}`, { cause: error });
}
