import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Config, readConfig, settingFlags } from '../config.ts';

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {}

/** The command failed for a reason that its message tells in full: exit code 1, without a stack. */
export class CommandError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Parses a command's arguments. Every setting of the environment is a flag too (`--port` for REELVEC_PORT) and wins
 * over it.
 * @throws {UsageError}
 */
export function readArguments<const O extends Options>(args: string[], options: O) {
  const settings = settingFlags();
  const settingOptions: Options = Object.fromEntries(settings.map(({ flag }) => [flag, { type: 'string' }]));
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...settingOptions, ...options },
      allowPositionals: true,
    });
    const given = values as Record<string, unknown>;
    const overrides = settings
      .filter(({ flag }) => given[flag] !== undefined)
      .map(({ name, flag }) => [name, String(given[flag])]);
    const config: Config = readConfig(Object.fromEntries(overrides));
    return { values: values as ReturnType<typeof parseArgs<{ options: O }>>['values'], positionals, config };
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** The one positional argument of a command. */
export function onlyPositional(positionals: readonly string[], what: string): string {
  if (positionals.length !== 1) throw new UsageError(`Give ${what}, once: got ${positionals.length}.`);
  return positionals[0]!;
}

/** Help on every setting, for the commands that read them. */
export function settingsHelp(): string {
  return settingFlags()
    .map(({ name, flag, help }) => `  --${flag.padEnd(20)} ${help} (${name})`)
    .join('\n');
}
