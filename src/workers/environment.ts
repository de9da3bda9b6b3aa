/**
 * Variables that a child process gets: those of the system, of memory allocation, and of the libraries that decode and run
 * models. Everything else stays out, because a worker decodes files of strangers, and the server's environment holds API
 * keys, database passwords and tokens. Settings of reelvec reach a worker as its first message.
 */
const NAMES = new Set([
  ...['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP', 'XDG_CACHE_HOME'],
  ...['LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH', 'GLIBC_TUNABLES'],
  // Not NODE_OPTIONS: it preloads code, such as agents and readers of `.env` files, that is meant for the server.
  ...['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'],
  // Not NVIDIA_*: NVIDIA_API_KEY is a secret.
  ...['NVIDIA_VISIBLE_DEVICES', 'NVIDIA_DRIVER_CAPABILITIES', 'NVIDIA_TF32_OVERRIDE'],
]);
const PREFIXES = ['LC_', 'MALLOC_', 'OMP_', 'ORT_', 'GGML_', 'CUDA_', 'CUDNN_'];

/** Which servers a worker trusts: for workers that ask inference servers over https, and no others. */
const TRUST = new Set([
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
]);

/** The variables of an environment that a child process may have. @param usesNetwork adds those that TLS needs */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  { usesNetwork = false } = {},
): Record<string, string | undefined> {
  const isAllowed = (name: string) =>
    NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)) || (usesNetwork && TRUST.has(name));
  // Windows spells names as it likes.
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isAllowed(name.toUpperCase())));
}

/** Flags of Node that a child takes over: all but those that read secrets from a file into the environment. */
export function childFlags(flags: readonly string[]): string[] {
  const readsFile = /^--env-file(-if-exists)?$/;
  return flags.filter((flag, i) => !readsFile.test(flag.split('=')[0]!) && !(i > 0 && readsFile.test(flags[i - 1]!)));
}
