import { join, resolve } from 'node:path';
import { z } from 'zod';
import { machineMemoryBytes, workerMemoryMb } from './machine-memory.ts';
import { type BlobLocation, blobLocation } from './settings/blob-location.ts';
import { readChosenBundle } from './settings/chosen-bundle.ts';
import { type HubSettings, hubSettings } from './settings/hub.ts';
import { MEGABYTE } from './settings/schemas.ts';
import { flatten, type Names, type Setting, type Values, valuesOf } from './settings/setting.ts';
import { type Device, SETTINGS } from './settings/table.ts';

export type { HubSettings } from './settings/hub.ts';
export { type Device, isBundlePath } from './settings/table.ts';
export type { WebhookEndpoint } from './settings/webhooks.ts';

/** Bundle without a setting or a choice: it needs no models. */
const DEFAULT_BUNDLE = 'signal';

/** Default drain period in seconds: long enough for a load balancer that polls readiness every second. */
const DEFAULT_DRAIN_SEC = 2;

type Settings = Values<typeof SETTINGS>;
type Environment = Readonly<Record<string, string | undefined>>;

export type SettingName = Names<typeof SETTINGS>;

/** Access to inference servers. */
export type InferenceSettings = Settings['inference'];

/** Properties that are derived from several settings, or from other variables than reelvec's. Paths are absolute. */
interface Derived {
  readonly blobs: BlobLocation;
  /** Name of a bundle, or the path of a bundle file. */
  readonly bundle: string;
  /** True if a setting names the bundle, which wins over the choice in the data folder. */
  readonly isBundleSet: boolean;
  readonly cacheDir: string;
  readonly modelsDir: string;
  /** Limit on the resident memory of one media worker, excluding the bundle's models. */
  readonly workerMemoryBytes: number;
  /** Time between reporting not ready and refusing connections. */
  readonly drainMs: number;
  /** Value of `device` before it was resolved for onnxruntime. whisper.cpp resolves it separately. */
  readonly requestedDevice?: Device;
  readonly hub: HubSettings;
  /** Secrets among these settings and those of the AWS SDK, for redaction in the log. */
  readonly secrets: readonly string[];
}

/** Validated settings of a process, with defaults applied. */
export interface Config extends Omit<Settings, 's3' | keyof Derived>, Derived {}

/** Invalid setting. The message names the setting and the rule. */
export class ConfigError extends Error {}

/**
 * Reads and validates all settings from the environment, and the choice of bundle from the data folder. This is the only
 * place that reads them. An unknown REELVEC_ name is an error, so that a misspelt setting does not silently leave the default
 * in force.
 * @param overrides values that win over the environment, by setting name
 * @throws {ConfigError}
 */
export function readConfig(
  overrides: Readonly<Record<string, string>> = {},
  environment: Environment = process.env,
): Config {
  const settings = flatten(SETTINGS);
  const parsed = parse(settings, givenSettings(settings, { ...environment, ...overrides }));
  const { s3, ...values } = valuesOf(SETTINGS, parsed);
  const { dataDir, workers, databaseUrl } = values;
  const hub = hubSettings(environment);
  return Object.freeze({
    ...values,
    blobs: blobLocation(values.blobs, s3, dataDir),
    bundle: values.bundle ?? readChosenBundle(dataDir) ?? DEFAULT_BUNDLE,
    isBundleSet: values.bundle !== undefined,
    cacheDir: resolve(values.cacheDir ?? join(dataDir, 'cache')),
    modelsDir: resolve(values.modelsDir ?? join(dataDir, 'models')),
    workerMemoryBytes:
      values.workerMemoryBytes ?? workerMemoryMb({ machineBytes: machineMemoryBytes(), workers }) * MEGABYTE,
    drainMs: values.drainMs ?? (databaseUrl ? DEFAULT_DRAIN_SEC : 0) * 1000,
    hub,
    secrets: [
      ...settings.flatMap(({ name, secretsIn }) => secretsIn?.(parsed[name]) ?? []),
      hub.token,
      environment['AWS_SECRET_ACCESS_KEY'],
      environment['AWS_SESSION_TOKEN'],
    ].filter((secret) => secret !== undefined),
  });
}

/** The settings among environment variables. @throws {ConfigError} for an unknown one */
function givenSettings(settings: readonly Setting[], environment: Environment): Record<string, string> {
  const names = new Set(settings.map(({ name }) => name));
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    // Compose files pass unset variables as empty strings.
    if (!name.startsWith('REELVEC_') || name.startsWith('REELVEC_TEST_') || value === undefined || value === '')
      continue;
    if (!names.has(name)) throw new ConfigError(`${name} is not a setting of reelvec. See reelvec serve --help.`);
    given[name] = value;
  }
  return given;
}

/** @returns parsed values and defaults by environment variable @throws {ConfigError} */
function parse(settings: readonly Setting[], given: Readonly<Record<string, string>>): Record<string, unknown> {
  const schema = z.object(Object.fromEntries(settings.map(({ name, schema }) => [name, schema])));
  const parsed = schema.safeParse(given, { error: rule });
  if (parsed.success) return parsed.data;
  const { path, message, code } = parsed.error.issues[0]!;
  const [name = '', ...inner] = path.map(String);
  const got = SHOWN_ISSUES.has(code) && inner.length === 0 ? `: got "${given[name]}"` : '';
  throw new ConfigError(`${[`--${flagOf(name)} (${name})`, ...inner].join('.')} ${message}${got}.`);
}

/** Error text that follows the name of the setting; undefined keeps the message of the setting or of zod. */
function rule(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'must be a URL' : undefined;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

/** Issue codes whose value may be shown, because only numbers and enums produce them. Other settings hold secrets. */
const SHOWN_ISSUES = new Set(['invalid_type', 'invalid_value', 'too_small', 'too_big']);

/** All settings with their command line flag (`--port` for REELVEC_PORT) and help text. */
export function settingFlags(): {
  name: SettingName;
  flag: string;
  help: string;
  resolvePaths: Setting['resolvePaths'];
}[] {
  return flatten(SETTINGS).map(({ name, help, resolvePaths }) => ({
    name: name as SettingName,
    flag: flagOf(name),
    help,
    resolvePaths,
  }));
}

function flagOf(name: string): string {
  return name.slice('REELVEC_'.length).toLowerCase().replaceAll('_', '-');
}
