import { OPTIONS, type Option } from '../domain/option.ts';
import { work } from '../start/worker.ts';
import { readArguments, settingsHelp, UsageError } from './arguments.ts';

export const help = `Processes tasks of \`reelvec serve\`, on the same or another machine, until SIGTERM. On SIGTERM, running work gets 12 s
to finish; unfinished work goes to another worker.

Usage: reelvec worker --database-url postgres://… [OPTION]...

  --concurrency N        concurrent chunks, one process each; same as --workers
  --only OPTION[,…]      takes only tasks whose options are all listed: visual, audio, transcription

Options, with their environment variables:
${settingsHelp()}

Examples:
  reelvec worker --database-url postgres://reelvec@db/reelvec --concurrency 8
  reelvec worker --only audio --worker-port 8080
`;

export async function run(args: string[]): Promise<void> {
  const named = args.map((arg) => arg.replace(/^--concurrency(?=$|=)/, '--workers'));
  const { positionals, values, config } = readArguments(named, { only: { type: 'string' } });
  if (positionals.length > 0) throw new UsageError(`worker takes no "${positionals[0]}".`);
  if (config.databaseUrl === undefined) {
    throw new UsageError(
      'A worker needs the database of its servers: --database-url postgres://… (or REELVEC_DATABASE_URL). ' +
        'With SQLite, `reelvec serve` works on its tasks itself.',
    );
  }
  if (config.workers === 0) throw new UsageError('--concurrency: a worker works on 1 chunk at a time or more.');
  const only = values.only?.split(',').map((name) => name.trim());
  const unknown = only?.find((name) => !OPTIONS.includes(name as never));
  if (unknown !== undefined) throw new UsageError(`--only: "${unknown}" is none of ${OPTIONS.join(', ')}.`);
  await work(config, only as Option[] | undefined);
}
