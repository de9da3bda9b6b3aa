import { inspect } from 'node:util';

/** What lies behind an error, for the log; pino itself writes no more of a cause than its name. */
export function causeText({ cause }: Error): string | undefined {
  return cause === undefined ? undefined : inspect(cause);
}
