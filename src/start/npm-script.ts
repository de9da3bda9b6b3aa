import { fileURLToPath } from 'node:url';

/** True if this process was started by a script of reelvec's own package, such as `npm start` in a clone. */
export function isNpmScript(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['npm_package_json'] === fileURLToPath(new URL('../../package.json', import.meta.url));
}

/** Command line of a subcommand, in the form that works where this process was started. */
export function commandLine(args: string, environment: NodeJS.ProcessEnv = process.env): string {
  return `${isNpmScript(environment) ? 'npm run -s reelvec --' : 'reelvec'} ${args}`;
}
