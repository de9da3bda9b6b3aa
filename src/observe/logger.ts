import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { redactor } from './redact.ts';

export type { Logger } from 'pino';

/**
 * Creates a logger on standard output: readable lines on a terminal, one JSON object per line elsewhere. Credentials
 * are redacted in every line, because libraries log headers and URLs too.
 * @param secrets values to redact wherever they occur
 */
export function openLogger(level: string, secrets: readonly string[] = []): Logger {
  const options = { level, base: undefined, hooks: { streamWrite: redactor(secrets) } };
  if (!process.stdout.isTTY) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  return pino(options, pretty({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true }));
}
