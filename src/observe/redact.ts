/** Minimum length in characters of a secret that is redacted by value. Shorter ones would match ordinary words. */
const MIN_SECRET_LENGTH = 8;
const REDACTED = '[redacted]';

/** Credential header with its value, in JSON, in `inspect` output and in lists of raw headers. */
const HEADER =
  /((?:x-api-key|(?:proxy-)?authorization|(?:set-)?cookie|x-amz-security-token|tl-signature)\\*["']?\s*[:=,]\s*\[?\s*\\*["']?)[^"'\\\r\n]+/gi;
/** User information in a URL. */
const URL_USER = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#"'@\\]+@/gi;
/** Query of a URL. All of it is redacted, because signatures and tokens have too many names to list. */
const URL_QUERY = /(\b[a-z][a-z\d+.-]*:\/\/[^\s?"'\\<>]*\?)[^\s"'\\<>]+/gi;
/** Credential parameters in a URL without a host, such as the path of a request to this server. */
const PATH_QUERY = /([?&](?:signature|sig|token|key|api[-_]?key|x-api-key|x-[a-z]+-[a-z-]+)=)[^&\s"'\\]+/gi;
/** API key from `reelvec keys create`. */
const OWN_KEY = /\brvk_[\w-]{16,}/g;

/**
 * Returns a function that redacts credentials in a log line: headers, URL users and queries, reelvec API keys, and the
 * given secrets wherever they occur.
 * @param secrets values from the settings
 */
export function redactor(secrets: readonly string[]): (line: string) => string {
  const values = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    // Longest first, because one secret may contain another.
    .toSorted((a, b) => b.length - a.length);
  return (line) => {
    const text = line
      .replace(HEADER, `$1${REDACTED}`)
      .replace(URL_USER, `$1${REDACTED}@`)
      .replace(URL_QUERY, `$1${REDACTED}`)
      .replace(PATH_QUERY, `$1${REDACTED}`)
      .replace(OWN_KEY, REDACTED);
    return values.reduce((shown, value) => shown.replaceAll(value, REDACTED), text);
  };
}
