import { ReelvecError } from '../errors.ts';

/** Maximum decoded size: the API's limit of 36 MB, in units of 1024² bytes; 48 MB encoded. */
const MAX_DECODED_BYTES = 36 * 1024 * 1024;

/**
 * Decodes base64 in the standard or URL-safe alphabet, padded or not. A `data:` prefix and line breaks are allowed, since
 * command-line encoders wrap their lines.
 * @param field path of the parameter, for errors: `video.media_source.base64_string`
 * @throws {ReelvecError} `parameter_invalid` for any other input, including spaces within a line
 */
export function decodeBase64(text: string, { field }: { field: string }): Uint8Array {
  const invalid = (reason: string) =>
    new ReelvecError('parameter_invalid', `${field} ${reason}`, { details: { field } });
  const comma = text.startsWith('data:') ? text.indexOf(',') : -1;
  if (text.startsWith('data:') && !/;base64$/i.test(text.slice(0, Math.max(comma, 0)))) {
    throw invalid('is a data: URI without base64 content. Send data:TYPE;base64,CONTENT, or the content alone.');
  }
  // A space between characters is a plus sign after form decoding. At line ends it is harmless.
  const space = /[^\s] +[^\s]/.exec(text.slice(comma + 1));
  if (space) {
    throw invalid(
      `is not base64: there is a space at position ${space.index + 1}. Form encoding turns + into a space: write + as %2B, ` +
        'or use the URL-safe alphabet, with - and _.',
    );
  }
  const content = text.slice(comma + 1).replace(/[ \t\r\n]+/g, '');
  const padding = content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0;
  const length = content.length - padding;
  if (length === 0) throw invalid('is empty. Send the bytes of the file as base64.');
  // Searches for an invalid character: a pattern for the whole text would keep backtracking state for 50 million characters.
  const stranger = /[^A-Za-z0-9+/_-]/.exec(content.slice(0, length));
  if (stranger) {
    throw invalid(`is not base64: unexpected character ${JSON.stringify(stranger[0])} at position ${stranger.index}.`);
  }
  if (length % 4 === 1 || (padding > 0 && content.length % 4 !== 0)) {
    throw invalid('is not base64: its length is wrong, so part of it is missing. Send it whole.');
  }
  const size = Math.floor((length * 3) / 4);
  if (size > MAX_DECODED_BYTES) {
    throw invalid(
      `holds ${size} bytes; at most ${MAX_DECODED_BYTES} are allowed. Use a URL or upload the file as an asset instead.`,
    );
  }
  return Buffer.from(content, 'base64');
}
