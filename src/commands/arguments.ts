import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Config, readConfig, settingFlags } from '../config.ts';
import { CommandError, UsageError } from './faults.ts';
import { callerPath } from './paths.ts';

export { CommandError, UsageError };

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Parses the arguments of a command. Every setting is also a flag (`--port` for REELVEC_PORT) that overrides the
 * environment.
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
    const empty = Object.keys(given).find((flag) => given[flag] === '');
    if (empty !== undefined) throw new UsageError(`--${empty} needs a value.`);
    const overrides = settings
      .filter(({ flag }) => given[flag] !== undefined)
      .map(({ name, flag, resolvePaths }) => {
        const text = String(given[flag]);
        // Relative paths start at the caller's folder.
        return [name, resolvePaths?.(text, (path) => callerPath(path)) ?? text];
      });
    const config: Config = readConfig(Object.fromEntries(overrides));
    return { values: values as ReturnType<typeof parseArgs<{ options: O }>>['values'], positionals, config };
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(plain(error));
    throw error;
  }
}

/** Rewrites an error of parseArgs as one sentence. Its own messages explain its conventions instead. */
function plain({ message, code }: TypeError & { code?: string }): string {
  const [, option = ''] = /'(?:-\w, )?(--?[^'\s]+)/.exec(message) ?? [];
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `There is no option ${option}. See --help.`;
  if (/argument missing|ambiguous/.test(message)) return `${option} needs a value.`;
  if (/does not take an argument/.test(message)) return `${option} takes no value.`;
  return message;
}

/**
 * Returns the single positional argument of a command.
 * @param what the argument in the error message: `a file`
 * @throws {UsageError}
 */
export function onlyPositional(positionals: readonly string[], what: string): string {
  if (positionals.length !== 1) throw new UsageError(`Give ${what}, once: got ${positionals.length}.`);
  return positionals[0]!;
}

/** Help text of all settings, one line each. */
export function settingsHelp(): string {
  return settingFlags()
    .map(({ name, flag, help }) => `  --${flag.padEnd(20)} ${help} (${name})`)
    .join('\n');
}
