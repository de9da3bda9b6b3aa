import { work } from '../start/worker.ts';
import { readArguments, settingsHelp, UsageError } from './arguments.ts';

const OPTIONS = ['visual', 'audio', 'transcription'] as const;

export const help = `Works on the tasks that \`reelvec serve\` takes on, beside it or on another machine, until it is stopped with SIGTERM.
What it is in the middle of is finished within 12 s or handed over to another worker.

Usage: reelvec worker --database-url postgres://… [OPTION]...

  --concurrency N        chunks at a time, a process each; the same as --workers
  --only OPTION[,…]      visual, audio or transcription: leaves every task that asks for anything else to other workers

Options, or the variables of the environment behind them:
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
  await work(config, only as (typeof OPTIONS)[number][] | undefined);
}
