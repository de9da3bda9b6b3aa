import { inspect } from 'node:util';

/** Formats the cause of an error for the log, because pino logs only its name. */
export function causeText({ cause }: Error): string | undefined {
  return cause === undefined ? undefined : inspect(cause);
}
