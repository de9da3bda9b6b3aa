import { ReelvecError } from '../errors.ts';
import { urlProblem } from '../http/get.ts';

/**
 * Parses a source URL.
 * @param field path of the parameter, for errors: `video.media_source.url`
 * @throws {ReelvecError} `parameter_invalid` for anything but an http(s) URL without credentials
 */
export function parseSourceUrl(text: string, { field }: { field: string }): URL {
  const url = URL.parse(text);
  const reason = url ? urlProblem(url) : 'is not a URL';
  if (url && !reason) return url;
  throw new ReelvecError('parameter_invalid', `${field} ${reason}. Give a public http(s) link to the file itself.`, {
    details: { field },
  });
}

/** File name of a URL, 1 to 255 characters: the last segment of its path, or the host if that is empty. */
export function filenameOf(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch {
    // A URL may have a stray %: the name then stays encoded.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are removed
  return (name.replace(/[\u0000-\u001f\u007f/\\]/g, '').slice(-255) || url.hostname).slice(0, 255);
}
