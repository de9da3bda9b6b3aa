import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/** Logs to standard output: readable lines on a terminal, a JSON object a line elsewhere. */
export function openLogger(level: string): Logger {
  if (!process.stdout.isTTY) return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
  return pino(
    { level, base: undefined },
    pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true }),
  );
}
