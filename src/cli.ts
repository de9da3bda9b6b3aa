#!/usr/bin/env node
import { enableCodeCache } from './code-cache.ts';

/** Entry point of the command line. Each command has its own module, loaded on demand. */

interface Command {
  readonly help: string;
  run(args: string[]): Promise<void>;
}

const COMMANDS: Readonly<Record<string, { summary: string; load(): Promise<Command> }>> = {
  serve: { summary: 'serve the API', load: () => import('./commands/serve.ts') },
  worker: { summary: 'process tasks of servers that share a database', load: () => import('./commands/worker.ts') },
  embed: { summary: 'embed a file or URL without a server', load: () => import('./commands/embed.ts') },
  shots: { summary: 'find the shots of a video', load: () => import('./commands/shots.ts') },
  webhooks: {
    summary: 'list webhook deliveries and redeliver them',
    load: () => import('./commands/webhooks.ts'),
  },
  models: { summary: 'download, verify and remove models', load: () => import('./commands/models.ts') },
  doctor: { summary: 'check the stored files against the database', load: () => import('./commands/doctor.ts') },
  keys: { summary: 'create, list and revoke API keys', load: () => import('./commands/keys.ts') },
};

const HELP = `reelvec: self-hosted multimodal embeddings of video and audio

Usage: reelvec COMMAND [OPTION]...

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}

Examples:
  reelvec serve
  reelvec embed film.mp4 --segmentation fixed:6 --format ndjson -o film.ndjson
  reelvec shots film.mp4 --json
  reelvec keys create --name laptop

Run reelvec COMMAND --help for the options of a command, reelvec --version for the version.
`;

enableCodeCache();
const { CommandError, UsageError } = await import('./commands/faults.ts');
const { ConfigError } = await import('./config.ts');
const { SetupError } = await import('./setup-error.ts');

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    if (name === undefined) process.exitCode = 2;
    return;
  }
  if (name === '--version' || name === '-v') {
    const { packageVersion } = await import('./start/package-version.ts');
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) throw new UsageError(`There is no command "${name}". Commands: ${Object.keys(COMMANDS).join(', ')}.`);
  const command = await entry.load();
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(command.help);
  else await command.run(args);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // The reader of the output closed the pipe, as `head` does.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(0);
  const isUsage = error instanceof UsageError || error instanceof ConfigError;
  const isExpected = isUsage || error instanceof CommandError || error instanceof SetupError;
  process.stderr.write(`reelvec: ${isExpected ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
