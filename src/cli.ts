#!/usr/bin/env node
import { enableCodeCache } from './code-cache.ts';

/** The command line. Each command lives in a file of its own and is loaded only when it is called. */

interface Command {
  readonly help: string;
  run(args: string[]): Promise<void>;
}

const COMMANDS: Readonly<Record<string, { summary: string; load(): Promise<Command> }>> = {
  serve: { summary: 'serve the API', load: () => import('./commands/serve.ts') },
  worker: { summary: 'work on the tasks of servers that share a database', load: () => import('./commands/worker.ts') },
  embed: { summary: 'embed a file or URL, without a server', load: () => import('./commands/embed.ts') },
  shots: { summary: 'find the shots of a video', load: () => import('./commands/shots.ts') },
  webhooks: {
    summary: 'list what webhooks were told, and tell them again',
    load: () => import('./commands/webhooks.ts'),
  },
  models: { summary: 'get, check and remove models', load: () => import('./commands/models.ts') },
  doctor: { summary: 'compare what is stored with what is known of it', load: () => import('./commands/doctor.ts') },
  keys: { summary: 'create, list and revoke API keys', load: () => import('./commands/keys.ts') },
};

const HELP = `reelvec: multimodal embeddings of video and audio on your own machine

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

reelvec COMMAND --help tells more of a command, reelvec --version which reelvec it is.
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
  // Whoever reads the output has seen enough, as `head` does.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(0);
  const isUsage = error instanceof UsageError || error instanceof ConfigError;
  const isExpected = isUsage || error instanceof CommandError || error instanceof SetupError;
  process.stderr.write(`reelvec: ${isExpected ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
