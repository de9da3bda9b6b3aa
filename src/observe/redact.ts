/** A shorter secret is not looked for by its value: it would be found in ordinary words. */
const MIN_SECRET_LENGTH = 8;
const REDACTED = '[redacted]';

/** A header that carries a credential, up to its value: in JSON, in the text of `inspect`, and in lists of raw headers. */
const HEADER =
  /((?:x-api-key|(?:proxy-)?authorization|(?:set-)?cookie|x-amz-security-token|tl-signature)\\*["']?\s*[:=,]\s*\[?\s*\\*["']?)[^"'\\\r\n]+/gi;
/** A URL with a user, a query or both. Signatures and tokens have too many names to list: every query goes. */
const URL_USER = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#"'@\\]+@/gi;
const URL_QUERY = /(\b[a-z][a-z\d+.-]*:\/\/[^\s?"'\\<>]*\?)[^\s"'\\<>]+/gi;
/** Parameters that sign a path without a host, as requests to this server have it. */
const PATH_QUERY = /([?&](?:signature|sig|token|key|api[-_]?key|x-api-key|x-[a-z]+-[a-z-]+)=)[^&\s"'\\]+/gi;
/** A key that `reelvec keys create` made. */
const OWN_KEY = /\brvk_[\w-]{16,}/g;

/**
 * Makes a function that takes credentials out of a line of the log: headers, what signs or authorises a URL, keys of
 * reelvec, and the given values wherever they stand.
 * @param secrets values from the settings
 */
export function redactor(secrets: readonly string[]): (line: string) => string {
  const values = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    // The longest first: one may be part of another.
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
