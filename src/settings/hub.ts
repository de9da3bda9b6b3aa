import { homedir } from 'node:os';
import { join } from 'node:path';

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

/** Default of HF_HUB_DOWNLOAD_TIMEOUT. Milliseconds. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** Reads https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
export function hubSettings(environment: Readonly<Record<string, string | undefined>>): HubSettings {
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
    timeoutMs: timeoutSec > 0 ? timeoutSec * 1000 : DEFAULT_TIMEOUT_MS,
    proxy: { http: given('HTTP_PROXY'), https: given('HTTPS_PROXY'), none: given('NO_PROXY') },
  };
}
