import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import querystring from 'node:querystring';
import { z } from 'zod';
import { machineMemoryBytes, workerMemoryMb } from './machine-memory.ts';

/**
 * Execution providers for models. `auto` selects the best one available; any other value fails if it is unavailable.
 */
const DEVICES = ['auto', 'cpu', 'cuda', 'coreml', 'dml'] as const;
export type Device = (typeof DEVICES)[number];

const MEGABYTE = 1024 ** 2;
const GIGABYTE = 1024 ** 3;
/** Default drain period in seconds: long enough for a load balancer that polls readiness every second. */
const DEFAULT_DRAIN_SEC = 2;

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
/** A limit of at least 0; unlimited when unset. */
const quota = (number: z.ZodCoercedNumber) => number.min(0).optional();
const bytes = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

/** Event types that a webhook can subscribe to. */
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
/** Milliseconds per duration unit. */
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Parses `90s`, `15m`, `12h` or `7d` to milliseconds, and `never` to undefined. */
const duration = (fallback: string) =>
  z
    .string()
    .regex(/^(never|[1-9]\d{0,5}[smhd])$/, { error: 'must be a time such as 90s, 15m, 12h or 7d, or never' })
    .default(fallback)
    .transform((text) =>
      text === 'never' ? undefined : Number(text.slice(0, -1)) * UNIT_MS[text.at(-1) as keyof typeof UNIT_MS],
    );

/** All settings: environment variable, validation, default and help text. */
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
  REELVEC_DATA_DIR: z.string().min(1).default('./data').describe('folder for the database, media and results'),
  REELVEC_BLOBS: z
    .string()
    .regex(/^(file:.+|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[a-z0-9_-][a-z0-9._-]*)*\/?)$/, {
      error: 'must be file:FOLDER or s3://BUCKET/PREFIX, the prefix in lower case',
    })
    .optional()
    .describe('storage for media and results: file:FOLDER or s3://BUCKET/PREFIX; default: the data folder'),
  REELVEC_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'URL of an S3-compatible store; default: Amazon S3. Credentials come from the AWS SDK (AWS_ACCESS_KEY_ID…)',
    ),
  REELVEC_S3_PUBLIC_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('S3 URL for direct uploads from clients; default: the S3 endpoint'),
  REELVEC_S3_REGION: z.string().min(1).default('us-east-1').describe('bucket region'),
  REELVEC_S3_PATH_STYLE: z
    .enum(['true', 'false'])
    .optional()
    .describe('put the bucket in the URL path instead of the host; default: true if an S3 endpoint is set'),
  REELVEC_CACHE_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('cache folder for media blocks from S3; default: cache in the data folder'),
  REELVEC_CACHE_BYTES: bytes(4 * GIGABYTE).describe('maximum size of the cache in bytes'),
  REELVEC_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL database shared by several nodes; default: SQLite in the data folder'),
  REELVEC_RESULT_TTL: duration('7d').describe('retention of results after a task ends: 7d, 12h, or never to keep them'),
  REELVEC_ASSET_TTL: duration('never').describe('retention of assets: 30d, 12h, or never to keep them'),
  REELVEC_API_KEYS: list.describe('comma-separated API keys, in addition to those from `reelvec keys create`'),
  REELVEC_URL_ALLOW: list.describe('comma-separated private hosts or CIDRs that source URLs may access'),
  REELVEC_BUNDLE: z.string().min(1).default('signal').describe('bundle of encoders that serves marengo3.0'),
  REELVEC_WORKERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(256)
    .default(availableParallelism())
    .describe('media worker processes; default: one per core; 0: leave the work to other nodes'),
  REELVEC_QUERY_WORKERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('worker processes for text and image queries, plus the same number for audio and video queries'),
  REELVEC_WORKER_MEMORY_MB: z.coerce
    .number()
    .int()
    .min(128)
    .optional()
    .describe('memory limit of a media worker in MB; default: its share of the machine, 512 to 2048'),
  REELVEC_WORKER_SILENCE_SEC: z.coerce
    .number()
    .min(1)
    .default(60)
    .describe('seconds without progress before a media worker is killed'),
  REELVEC_WORKER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('port for health checks and metrics of `reelvec worker`; default: none'),
  REELVEC_WORKER_NICE: z.coerce
    .number()
    .int()
    .min(0)
    .max(19)
    .default(10)
    .describe('nice value of `reelvec worker`; its media workers get 10 more'),
  REELVEC_DRAIN_SEC: z.coerce
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe('seconds between reporting not ready and refusing connections; default: 2 with PostgreSQL, else 0'),
  REELVEC_MAX_VIDEO_BYTES: bytes(4 * GIGABYTE).describe('maximum size of a video in bytes'),
  REELVEC_MAX_AUDIO_BYTES: bytes(2 * GIGABYTE).describe('maximum size of an audio file in bytes'),
  REELVEC_MAX_IMAGE_BYTES: bytes(32 * MEGABYTE).describe('maximum size of an image in bytes'),
  REELVEC_QUOTA_BYTES: quota(z.coerce.number().int()).describe('bytes of assets per key; default: unlimited'),
  REELVEC_QUOTA_TASKS: quota(z.coerce.number().int()).describe('concurrent tasks per key; default: unlimited'),
  REELVEC_QUOTA_MINUTES_PER_DAY: quota(z.coerce.number()).describe(
    'minutes of media embedded per key and day; default: unlimited',
  ),
  REELVEC_MAX_UPLOAD_BYTES: bytes(200 * MEGABYTE).describe('maximum size of a direct asset upload in bytes'),
  REELVEC_MAX_BODY_BYTES: bytes(256 * MEGABYTE).describe(
    'bytes of JSON request bodies in memory, at most half of it per key; excess requests get 429',
  ),
  REELVEC_MAX_SEGMENT_SEC: z.coerce
    .number()
    .min(10)
    .max(60)
    .default(10)
    .describe('maximum length of a dynamic segment in seconds; longer shots are split evenly'),
  REELVEC_WEBHOOKS: webhooks.describe(
    'webhook endpoints for finished tasks: JSON list of {"url", "secret"}, optionally with "events"; see docs/events.md',
  ),
  REELVEC_MODELS_DIR: z.string().min(1).optional().describe('folder for models; default: models in the data folder'),
  REELVEC_MODELS_AUTOPULL: z.stringbool().default(false).describe('1 downloads missing models at startup'),
  REELVEC_DEVICE: z
    .enum(DEVICES)
    .default('auto')
    .describe(
      'device for models: auto, cpu, cuda, coreml or dml; startup fails if a device other than auto is unavailable',
    ),
  REELVEC_MODEL_IDLE_SEC: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(600)
    .describe('idle seconds before a worker unloads a model'),
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
    .describe('comma-separated URLs of Open Inference Protocol servers, for bundles that use them'),
  REELVEC_INFERENCE_AUTHORIZATION: z
    .string()
    .regex(/^[\t\x20-\x7e]+$/, 'must be printable ASCII, as the value of an HTTP header')
    .optional()
    .describe('Authorization header for the inference servers, such as `Bearer …`'),
  REELVEC_INFERENCE_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(4)
    .describe('concurrent requests per worker to each inference server'),
  REELVEC_INFERENCE_TIMEOUT_SEC: z.coerce
    .number()
    .min(0.1)
    .max(600)
    .default(30)
    .describe('timeout of an inference request in seconds'),
  REELVEC_INFERENCE_PATIENCE_SEC: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(60)
    .describe('seconds for which a failed inference request is retried'),
  REELVEC_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('minimum log level'),
});

export type SettingName = keyof typeof settings.shape;

/** Webhook endpoint that receives the events of finished tasks. */
export interface WebhookEndpoint {
  readonly url: string;
  /** Key for the HMAC signature of deliveries. */
  readonly secret: string;
  readonly events: readonly (typeof WEBHOOK_EVENTS)[number][];
}

/** Validated settings of a process, with defaults applied. Paths are absolute. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** URL under which clients reach the server. */
  readonly publicUrl: string | undefined;
  readonly dataDir: string;
  readonly blobs: BlobLocation;
  readonly cacheDir: string;
  readonly cacheBytes: number;
  /** Retention of results after a task ends; undefined keeps them. */
  readonly resultTtlMs: number | undefined;
  /** Retention of assets; undefined keeps them. */
  readonly assetTtlMs: number | undefined;
  /** PostgreSQL URL; undefined selects SQLite in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly apiKeys: readonly string[];
  /** Private hosts and CIDRs that source URLs may access. */
  readonly urlAllow: readonly string[];
  /** Name of a bundle, or the path of a bundle file. */
  readonly bundle: string;
  /** Media worker processes; 0 leaves the work to other nodes. */
  readonly workers: number;
  readonly queryWorkers: number;
  /** Limit on the resident memory of one media worker, excluding the bundle's models. */
  readonly workerMemoryBytes: number;
  /** Time without progress before a media worker is killed. */
  readonly workerSilenceMs: number;
  readonly workerPort: number | undefined;
  readonly workerNice: number;
  /** Time between reporting not ready and refusing connections. */
  readonly drainMs: number;
  readonly maxVideoBytes: number;
  readonly maxAudioBytes: number;
  readonly maxImageBytes: number;
  /** Default quotas, for keys without their own; an absent quota is unlimited. */
  readonly quotas: { readonly bytes?: number; readonly tasks?: number; readonly minutesPerDay?: number };
  readonly maxUploadBytes: number;
  /** Limit on the JSON request bodies in memory at once. */
  readonly maxBodyBytes: number;
  readonly maxSegmentSec: number;
  readonly webhooks: readonly WebhookEndpoint[];
  readonly modelsDir: string;
  readonly modelsAutopull: boolean;
  readonly hub: HubSettings;
  readonly device: Device;
  /** Value of `device` before it was resolved for onnxruntime. whisper.cpp resolves it separately. */
  readonly requestedDevice?: Device;
  readonly modelIdleMs: number;
  readonly inference: InferenceSettings;
  readonly logLevel: string;
  /** Secrets among these settings and those of the AWS SDK, for redaction in the log. */
  readonly secrets: readonly string[];
}

/** Model hub access, from the environment variables of the Hugging Face tools. */
export interface HubSettings {
  /** URL without a trailing slash. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Token file written by `hf auth login`; read when `token` is undefined. */
  readonly tokenFile: string;
  /** Makes no request to the hub. */
  readonly offline: boolean;
  /** Idle timeout in milliseconds; a transfer that receives no bytes for this long is restarted. */
  readonly timeoutMs: number;
  readonly proxy: { readonly http?: string; readonly https?: string; readonly none?: string };
}

/** Access to inference servers. */
export interface InferenceSettings {
  readonly urls: readonly string[];
  /** Value of the `Authorization` header. */
  readonly authorization: string | undefined;
  /** Concurrent requests per worker and server. */
  readonly inFlight: number;
  /** Timeout of one request. */
  readonly timeoutMs: number;
  /** Time for which a failed request is retried. */
  readonly patienceMs: number;
}

/** Location of the blob store. */
export type BlobLocation =
  | {
      readonly kind: 'folder';
      /** Absolute path. */
      readonly path: string;
    }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Key prefix: empty, or ends in `/`. */
      readonly prefix: string;
      readonly endpoint: string | undefined;
      /** Endpoint in presigned URLs for clients. */
      readonly publicEndpoint: string | undefined;
      readonly region: string;
      readonly pathStyle: boolean;
    };

/** True if a bundle setting is the path of a bundle file rather than a name. */
export function isBundlePath(name: string): boolean {
  return name.endsWith('.json') || name.includes('/') || name.includes('\\');
}

/** Invalid setting. The message names the setting and the rule. */
export class ConfigError extends Error {}

/**
 * Reads and validates all settings from the environment. This is the only place that reads them. An unknown REELVEC_
 * name is an error, so that a misspelt setting does not silently leave the default in force.
 * @param overrides values that win over the environment, by setting name
 * @throws {ConfigError}
 */
export function readConfig(
  overrides: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...environment, ...overrides })) {
    // Compose files pass unset variables as empty strings.
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
    blobs: blobLocation(values),
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
    drainMs: (values.REELVEC_DRAIN_SEC ?? (values.REELVEC_DATABASE_URL ? DEFAULT_DRAIN_SEC : 0)) * 1000,
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

/** Reads https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
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

function blobLocation(values: z.output<typeof settings>): BlobLocation {
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

/** All settings with their command line flag (`--port` for REELVEC_PORT) and help text. */
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
