import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import querystring from 'node:querystring';
import { z } from 'zod';
import { machineMemoryBytes, workerMemoryMb } from './machine-memory.ts';

/** What runs models: `auto` takes the best that is there, any other name that one or none. */
const DEVICES = ['auto', 'cpu', 'cuda', 'coreml', 'dml'] as const;
export type Device = (typeof DEVICES)[number];

const MEGABYTE = 1024 ** 2;
const GIGABYTE = 1024 ** 3;
/** A load balancer that looks every second has seen by then that a node is not ready. */
const DRAIN_SEC = 2;

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
const quota = (number: z.ZodCoercedNumber) => number.min(0).optional();
const bytes = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

/** What can be told to a webhook. */
const WEBHOOK_EVENTS = ['embed.task.ready', 'embed.task.failed'] as const;

const webhooks = z
  .string()
  .default('[]')
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('must be a JSON list of objects with "url" and "secret"');
      return z.NEVER;
    }
  })
  .pipe(
    z.array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }),
        secret: z.string().min(16, 'must have at least 16 characters'),
        events: z
          .array(z.enum(WEBHOOK_EVENTS))
          .min(1)
          .default([...WEBHOOK_EVENTS]),
      }),
    ),
  )
  .refine((list) => new Set(list.map(({ url }) => url)).size === list.length, 'has a URL twice');
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Milliseconds of `90s`, `15m`, `12h` or `7d`; undefined for `never`. */
const duration = (fallback: string) =>
  z
    .string()
    .regex(/^(never|[1-9]\d{0,5}[smhd])$/, { error: 'must be a time such as 90s, 15m, 12h or 7d, or never' })
    .default(fallback)
    .transform((text) =>
      text === 'never' ? undefined : Number(text.slice(0, -1)) * UNIT_MS[text.at(-1) as keyof typeof UNIT_MS],
    );

/** Every setting: its name in the environment, what it may be, what it is when unset, and a line of help. */
const settings = z.object({
  REELVEC_HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  REELVEC_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(1212)
    .describe('port to listen on; 0 picks a free one'),
  REELVEC_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('URL under which clients reach the server'),
  REELVEC_DATA_DIR: z.string().min(1).default('./data').describe('folder of the database and of all media and results'),
  REELVEC_BLOBS: z
    .string()
    .regex(/^(file:.+|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[a-z0-9_-][a-z0-9._-]*)*\/?)$/, {
      error: 'must be file:FOLDER or s3://BUCKET/PREFIX, the prefix in lower case',
    })
    .optional()
    .describe('where media and results live, file:FOLDER or s3://BUCKET/PREFIX; default: in the data folder'),
  REELVEC_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "URL of an S3-compatible store; default: Amazon's. Credentials are those of the AWS SDK (AWS_ACCESS_KEY_ID…)",
    ),
  REELVEC_S3_PUBLIC_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('URL under which clients reach that store, to upload straight to it; default: the same'),
  REELVEC_S3_REGION: z.string().min(1).default('us-east-1').describe('region of the bucket'),
  REELVEC_S3_PATH_STYLE: z
    .enum(['true', 'false'])
    .optional()
    .describe('whether the bucket is named in the path of URLs; default: with an endpoint of your own'),
  REELVEC_CACHE_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('folder for pieces of media that lie on S3; default: in the data folder'),
  REELVEC_CACHE_BYTES: bytes(4 * GIGABYTE).describe('size of that folder'),
  REELVEC_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL database that several nodes share; default: SQLite in the data folder'),
  REELVEC_RESULT_TTL: duration('7d').describe('how long results are kept after the end of a task; never for ever'),
  REELVEC_ASSET_TTL: duration('never').describe('how long assets are kept: 30d, 12h; never for ever'),
  REELVEC_API_KEYS: list.describe('API keys, comma-separated, beside those made by `reelvec keys create`'),
  REELVEC_URL_ALLOW: list.describe(
    'hosts or CIDRs that source URLs may reach although they are private, comma-separated',
  ),
  REELVEC_BUNDLE: z.string().min(1).default('signal').describe('the encoders that serve marengo3.0'),
  REELVEC_WORKERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(256)
    .default(availableParallelism())
    .describe('media worker processes; default: one a core; 0: other nodes do the work'),
  REELVEC_QUERY_WORKERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('worker processes for text and image queries, and as many for audio and video ones'),
  REELVEC_WORKER_MEMORY_MB: z.coerce
    .number()
    .int()
    .min(128)
    .optional()
    .describe('memory at which a media worker is stopped; default: its share of what there is, 512 to 2048'),
  REELVEC_WORKER_SILENCE_SEC: z.coerce
    .number()
    .min(1)
    .default(60)
    .describe('time without progress after which a media worker is stopped'),
  REELVEC_WORKER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('port on which `reelvec worker` answers probes and gives metrics; default: none'),
  REELVEC_WORKER_NICE: z.coerce
    .number()
    .int()
    .min(0)
    .max(19)
    .default(10)
    .describe(
      'how far `reelvec worker` gives way to others on its machine, as `nice` counts it; its media workers: 10 more',
    ),
  REELVEC_DRAIN_SEC: z.coerce
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe('time between saying that it is not ready and refusing connections; default: 2 with PostgreSQL, else 0'),
  REELVEC_MAX_VIDEO_BYTES: bytes(4 * GIGABYTE).describe('largest video'),
  REELVEC_MAX_AUDIO_BYTES: bytes(2 * GIGABYTE).describe('largest audio'),
  REELVEC_MAX_IMAGE_BYTES: bytes(32 * MEGABYTE).describe('largest image'),
  REELVEC_QUOTA_BYTES: quota(z.coerce.number().int()).describe('bytes of assets that a key may store; default: no end'),
  REELVEC_QUOTA_TASKS: quota(z.coerce.number().int()).describe('tasks of a key at the same time; default: no end'),
  REELVEC_QUOTA_MINUTES_PER_DAY: quota(z.coerce.number()).describe(
    'minutes of media that a key may embed in a day; default: no end',
  ),
  REELVEC_MAX_UPLOAD_BYTES: bytes(200 * MEGABYTE).describe('largest direct upload of an asset'),
  REELVEC_MAX_BODY_BYTES: bytes(256 * MEGABYTE).describe(
    'JSON request bodies in memory at once, half of it for one key; more are answered with 429',
  ),
  REELVEC_MAX_SEGMENT_SEC: z.coerce
    .number()
    .min(10)
    .max(60)
    .default(10)
    .describe('longest dynamic segment; longer shots are cut evenly'),
  REELVEC_WEBHOOKS: webhooks.describe(
    'where to post the ends of tasks: JSON list of {"url", "secret"} and optionally "events"; see docs/events.md',
  ),
  REELVEC_MODELS_DIR: z.string().min(1).optional().describe('folder of the models; default: models in the data folder'),
  REELVEC_MODELS_AUTOPULL: z.stringbool().default(false).describe('1 gets missing models at start'),
  REELVEC_DEVICE: z
    .enum(DEVICES)
    .default('auto')
    .describe('what runs models: auto, cpu, cuda, coreml or dml; all but auto must be there'),
  REELVEC_MODEL_IDLE_SEC: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(600)
    .describe('time without work after which a worker unloads a model'),
  REELVEC_INFERENCE_URLS: list
    .pipe(
      z.array(
        z
          .url({ protocol: /^https?$/, error: 'must be URLs of http or https' })
          .refine(
            (url) => new URL(url).username === '',
            'must not have a user in a URL: set REELVEC_INFERENCE_AUTHORIZATION',
          ),
      ),
    )
    .describe('servers of the Open Inference Protocol for bundles that use some, comma-separated'),
  REELVEC_INFERENCE_AUTHORIZATION: z
    .string()
    .regex(/^[\t\x20-\x7e]+$/, 'must be printable ASCII, as the value of an HTTP header')
    .optional()
    .describe('value of the Authorization header for those servers, as `Bearer …`'),
  REELVEC_INFERENCE_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(4)
    .describe('requests of one worker to each of those servers at once'),
  REELVEC_INFERENCE_TIMEOUT_SEC: z.coerce
    .number()
    .min(0.1)
    .max(600)
    .default(30)
    .describe('time for one answer of theirs'),
  REELVEC_INFERENCE_PATIENCE_SEC: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(60)
    .describe('time for which a request that they fail to answer is tried again'),
  REELVEC_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least severe log line'),
});

export type SettingName = keyof typeof settings.shape;

/** Where the ends of tasks are told. */
export interface WebhookEndpoint {
  readonly url: string;
  /** What deliveries are signed with. */
  readonly secret: string;
  readonly events: readonly (typeof WEBHOOK_EVENTS)[number][];
}

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  /** Absolute path. */
  readonly dataDir: string;
  readonly blobs: BlobPlace;
  /** Absolute path. */
  readonly cacheDir: string;
  readonly cacheBytes: number;
  /** Undefined: for ever. */
  readonly resultTtlMs: number | undefined;
  readonly assetTtlMs: number | undefined;
  /** Set where several nodes share a database. */
  readonly databaseUrl: string | undefined;
  readonly apiKeys: readonly string[];
  readonly urlAllow: readonly string[];
  readonly bundle: string;
  readonly workers: number;
  readonly queryWorkers: number;
  /** Resident memory of one worker, beside what the bundle's models take. */
  readonly workerMemoryBytes: number;
  readonly workerSilenceMs: number;
  readonly workerPort: number | undefined;
  readonly workerNice: number;
  readonly drainMs: number;
  readonly maxVideoBytes: number;
  readonly maxAudioBytes: number;
  readonly maxImageBytes: number;
  /** Of keys that have none of their own. */
  readonly quotas: { readonly bytes?: number; readonly tasks?: number; readonly minutesPerDay?: number };
  readonly maxUploadBytes: number;
  /** JSON request bodies in memory at once. */
  readonly maxBodyBytes: number;
  readonly maxSegmentSec: number;
  readonly webhooks: readonly WebhookEndpoint[];
  /** Absolute path. */
  readonly modelsDir: string;
  readonly modelsAutopull: boolean;
  readonly hub: HubSettings;
  readonly device: Device;
  /** What `device` was before it was settled for onnxruntime: whisper.cpp settles on its own. */
  readonly requestedDevice?: Device;
  readonly modelIdleMs: number;
  readonly inference: InferenceSettings;
  readonly logLevel: string;
  /** Values of the settings above and of the AWS SDK's that must not be logged. */
  readonly secrets: readonly string[];
}

/** How the model hub is reached: what Hugging Face's own tools read from the environment. */
export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** File with a token, which `hf auth login` writes; used where there is no `token`. */
  readonly tokenFile: string;
  /** Nothing is asked of the hub. */
  readonly offline: boolean;
  /** Time without a byte after which a transfer is begun anew, in milliseconds. */
  readonly timeoutMs: number;
  readonly proxy: { readonly http?: string; readonly https?: string; readonly none?: string };
}

/** How models on inference servers are reached. */
export interface InferenceSettings {
  readonly urls: readonly string[];
  readonly authorization: string | undefined;
  /** Of one worker, to each server. */
  readonly inFlight: number;
  readonly timeoutMs: number;
  readonly patienceMs: number;
}

/** Where media and results live. */
export type BlobPlace =
  | {
      readonly kind: 'folder';
      /** Absolute. */
      readonly path: string;
    }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Empty, or ends in `/`. */
      readonly prefix: string;
      readonly endpoint: string | undefined;
      readonly publicEndpoint: string | undefined;
      readonly region: string;
      readonly pathStyle: boolean;
    };

/** Whether a bundle is given by the path of its file, and not by name. */
export function isBundlePath(name: string): boolean {
  return name.endsWith('.json') || name.includes('/') || name.includes('\\');
}

/** A setting that cannot be used; `message` names it and says what it may be. */
export class ConfigError extends Error {}

/**
 * Reads the settings from the environment and what overrides it; names that begin with REELVEC_ and mean nothing are refused, so that a typing
 * error does not pass for a default. Settings are read nowhere else.
 * @throws {ConfigError}
 */
export function readConfig(
  overrides: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...environment, ...overrides })) {
    // an empty variable is an unset one, as in compose files
    if (!name.startsWith('REELVEC_') || name.startsWith('REELVEC_TEST_') || value === undefined || value === '')
      continue;
    if (!(name in settings.shape))
      throw new ConfigError(`${name} is not a setting of reelvec. See reelvec serve --help.`);
    given[name] = value;
  }
  const parsed = settings.safeParse(given, { error: rule });
  if (!parsed.success) {
    const { path, message, code } = parsed.error.issues[0]!;
    const [name = '', ...inner] = path.map(String);
    const got = SHOWN_ISSUES.has(code) && inner.length === 0 ? `: got "${given[name]}"` : '';
    throw new ConfigError(`${[`--${flagOf(name)} (${name})`, ...inner].join('.')} ${message}${got}.`);
  }
  const values = parsed.data;
  return Object.freeze({
    host: values.REELVEC_HOST,
    port: values.REELVEC_PORT,
    publicUrl: values.REELVEC_PUBLIC_URL,
    dataDir: resolve(values.REELVEC_DATA_DIR),
    blobs: blobPlace(values),
    cacheDir: resolve(values.REELVEC_CACHE_DIR ?? join(values.REELVEC_DATA_DIR, 'cache')),
    cacheBytes: values.REELVEC_CACHE_BYTES,
    resultTtlMs: values.REELVEC_RESULT_TTL,
    assetTtlMs: values.REELVEC_ASSET_TTL,
    databaseUrl: values.REELVEC_DATABASE_URL,
    apiKeys: values.REELVEC_API_KEYS,
    urlAllow: values.REELVEC_URL_ALLOW,
    bundle: values.REELVEC_BUNDLE,
    workers: values.REELVEC_WORKERS,
    queryWorkers: values.REELVEC_QUERY_WORKERS,
    workerMemoryBytes:
      (values.REELVEC_WORKER_MEMORY_MB ??
        workerMemoryMb({ machineBytes: machineMemoryBytes(), workers: values.REELVEC_WORKERS })) * MEGABYTE,
    workerSilenceMs: values.REELVEC_WORKER_SILENCE_SEC * 1000,
    workerPort: values.REELVEC_WORKER_PORT,
    workerNice: values.REELVEC_WORKER_NICE,
    drainMs: (values.REELVEC_DRAIN_SEC ?? (values.REELVEC_DATABASE_URL ? DRAIN_SEC : 0)) * 1000,
    maxVideoBytes: values.REELVEC_MAX_VIDEO_BYTES,
    maxAudioBytes: values.REELVEC_MAX_AUDIO_BYTES,
    maxImageBytes: values.REELVEC_MAX_IMAGE_BYTES,
    quotas: {
      bytes: values.REELVEC_QUOTA_BYTES,
      tasks: values.REELVEC_QUOTA_TASKS,
      minutesPerDay: values.REELVEC_QUOTA_MINUTES_PER_DAY,
    },
    maxUploadBytes: values.REELVEC_MAX_UPLOAD_BYTES,
    maxBodyBytes: values.REELVEC_MAX_BODY_BYTES,
    maxSegmentSec: values.REELVEC_MAX_SEGMENT_SEC,
    webhooks: values.REELVEC_WEBHOOKS,
    modelsDir: resolve(values.REELVEC_MODELS_DIR ?? join(values.REELVEC_DATA_DIR, 'models')),
    modelsAutopull: values.REELVEC_MODELS_AUTOPULL,
    hub: hubSettings(environment),
    device: values.REELVEC_DEVICE,
    modelIdleMs: values.REELVEC_MODEL_IDLE_SEC * 1000,
    inference: {
      urls: values.REELVEC_INFERENCE_URLS,
      authorization: values.REELVEC_INFERENCE_AUTHORIZATION,
      inFlight: values.REELVEC_INFERENCE_IN_FLIGHT,
      timeoutMs: values.REELVEC_INFERENCE_TIMEOUT_SEC * 1000,
      patienceMs: values.REELVEC_INFERENCE_PATIENCE_SEC * 1000,
    },
    logLevel: values.REELVEC_LOG_LEVEL,
    secrets: secretsOf(values, environment),
  });
}

function secretsOf(
  values: z.output<typeof settings>,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { REELVEC_DATABASE_URL: databaseUrl, REELVEC_INFERENCE_AUTHORIZATION: authorization } = values;
  const databasePassword = databaseUrl === undefined ? '' : new URL(databaseUrl).password;
  return [
    ...values.REELVEC_API_KEYS,
    ...values.REELVEC_WEBHOOKS.map(({ secret }) => secret),
    authorization?.replace(/^(Bearer|Basic) +/i, ''),
    databasePassword,
    querystring.unescape(databasePassword),
    hubSettings(environment).token,
    environment['AWS_SECRET_ACCESS_KEY'],
    environment['AWS_SESSION_TOKEN'],
  ].filter((secret) => secret !== undefined);
}

/** The rule that a value breaks, to follow the name of its setting; undefined where the setting or zod has its own words. */
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

/** Issues of numbers and choices, whose value may be shown: other settings hold secrets. */
const SHOWN_ISSUES = new Set(['invalid_type', 'invalid_value', 'too_small', 'too_big']);

/** https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
function hubSettings(environment: Readonly<Record<string, string | undefined>>): HubSettings {
  const given = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const isSet = (name: string) => /^(1|on|yes|true)$/i.test(environment[name] ?? '');
  const cache = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const home = environment['HF_HOME'] || join(cache, 'huggingface');
  const timeoutSec = Number(environment['HF_HUB_DOWNLOAD_TIMEOUT']);
  return {
    endpoint: (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    token: (environment['HF_TOKEN'] || environment['HUGGING_FACE_HUB_TOKEN'])?.trim() || undefined,
    tokenFile: environment['HF_TOKEN_PATH'] || join(home, 'token'),
    offline: isSet('HF_HUB_OFFLINE') || isSet('TRANSFORMERS_OFFLINE'),
    timeoutMs: timeoutSec > 0 ? timeoutSec * 1000 : 30_000,
    proxy: { http: given('HTTP_PROXY'), https: given('HTTPS_PROXY'), none: given('NO_PROXY') },
  };
}

function blobPlace(values: z.output<typeof settings>): BlobPlace {
  const { REELVEC_BLOBS: text, REELVEC_S3_ENDPOINT: endpoint, REELVEC_S3_PATH_STYLE: pathStyle } = values;
  if (!text?.startsWith('s3:')) {
    const path = text?.slice('file:'.length) ?? join(values.REELVEC_DATA_DIR, 'blobs');
    return { kind: 'folder', path: resolve(path.replace(/^\/\/(?=\/)/, '')) };
  }
  const [bucket, ...names] = text.slice('s3://'.length).split('/').filter(Boolean);
  return {
    kind: 's3',
    bucket: bucket!,
    prefix: names.map((name) => `${name}/`).join(''),
    endpoint,
    publicEndpoint: values.REELVEC_S3_PUBLIC_ENDPOINT ?? endpoint,
    region: values.REELVEC_S3_REGION,
    pathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === 'true',
  };
}

/** Every setting with its flag (`--port` for REELVEC_PORT) and help, for `--help` and the command line. */
export function settingFlags(): { name: SettingName; flag: string; help: string }[] {
  return (Object.keys(settings.shape) as SettingName[]).map((name) => ({
    name,
    flag: flagOf(name),
    help: settings.shape[name].description ?? '',
  }));
}

function flagOf(name: string): string {
  return name.slice('REELVEC_'.length).toLowerCase().replaceAll('_', '-');
}
