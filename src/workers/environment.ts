/**
 * Environment variables passed to child processes: those of the system, of memory allocation, and of the libraries that
 * decode media and run models. All others are withheld, because workers decode untrusted files and the server's environment
 * holds API keys, database passwords and tokens. A worker receives reelvec's settings as its first message.
 */
const NAMES = new Set([
  ...['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP', 'XDG_CACHE_HOME'],
  ...['LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH', 'GLIBC_TUNABLES'],
  // NODE_OPTIONS is excluded: it preloads code for the server, such as agents and `.env` readers.
  ...['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE'],
  // Not all of NVIDIA_*, because NVIDIA_API_KEY is a secret.
  ...['NVIDIA_VISIBLE_DEVICES', 'NVIDIA_DRIVER_CAPABILITIES', 'NVIDIA_TF32_OVERRIDE'],
]);
/** Prefixes of further variables that are passed. */
const PREFIXES = ['LC_', 'MALLOC_', 'OMP_', 'ORT_', 'GGML_', 'CUDA_', 'CUDNN_'];

/** Variables that configure trusted certificates. Passed only to workers that call inference servers over TLS. */
const TRUST = new Set([
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
]);

/**
 * Filters an environment for a child process.
 * @param options.usesNetwork also passes the variables that configure trusted certificates
 */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  { usesNetwork = false } = {},
): Record<string, string | undefined> {
  const isAllowed = (name: string) =>
    NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)) || (usesNetwork && TRUST.has(name));
  // Names are case-insensitive on Windows.
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isAllowed(name.toUpperCase())));
}

/** Filters Node flags for a child process: drops those that load secrets from a file into the environment. */
export function childFlags(flags: readonly string[]): string[] {
  const readsFile = /^--env-file(-if-exists)?$/;
  return flags.filter((flag, i) => !readsFile.test(flag.split('=')[0]!) && !(i > 0 && readsFile.test(flags[i - 1]!)));
}
