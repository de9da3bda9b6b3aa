import { serve } from '../start/serve.ts';
import { readArguments, settingsHelp, UsageError } from './arguments.ts';

export const help = `Serves the API until SIGTERM or SIGINT. A second signal stops it immediately.

Usage: reelvec serve [OPTION]...

  --no-worker            leaves the work to \`reelvec worker\`; same as --workers 0

Options, with their environment variables:
${settingsHelp()}

Examples:
  reelvec serve
  reelvec serve --host 0.0.0.0 --data-dir /srv/reelvec
  REELVEC_URL_ALLOW=media.lan,10.0.0.0/8 reelvec serve
`;

export async function run(args: string[]): Promise<void> {
  const named = args.flatMap((arg) => (arg === '--no-worker' ? ['--workers', '0'] : [arg]));
  const { positionals, config } = readArguments(named, {});
  if (config.workers === 0 && config.databaseUrl === undefined) {
    throw new UsageError(
      'Nobody would do the work: --no-worker (or REELVEC_WORKERS=0) needs --database-url postgres://… and `reelvec worker`.',
    );
  }
  if (positionals.length > 0) throw new UsageError(`serve takes no "${positionals[0]}".`);
  await serve(config);
}
