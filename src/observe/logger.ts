import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { redactor } from './redact.ts';

export type { Logger } from 'pino';

/**
 * Logs to standard output: readable lines on a terminal, a JSON object a line elsewhere. Every line is searched for
 * credentials, whatever wrote it: libraries log headers and URLs too.
 * @param secrets values of settings that no line may contain
 */
export function openLogger(level: string, secrets: readonly string[] = []): Logger {
  const options = { level, base: undefined, hooks: { streamWrite: redactor(secrets) } };
  if (!process.stdout.isTTY) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true }));
}
