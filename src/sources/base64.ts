import { ReelvecError } from '../errors.ts';

/** 36 MB, the limit of the API, as 1024² bytes each: 48 MB encoded. */
const MAX_DECODED_BYTES = 36 * 1024 * 1024;

/**
 * Bytes of a base64 string, in the standard or the URL-safe alphabet, padded or not. A `data:` prefix and line breaks
 * (command-line encoders wrap their lines) are allowed; everything else that is not base64 is `parameter_invalid`, and
 * so are spaces within a line.
 * @param field path of the parameter, for the error: `video.media_source.base64_string`
 */
export function decodeBase64(text: string, { field }: { field: string }): Uint8Array {
  const invalid = (reason: string) =>
    new ReelvecError('parameter_invalid', `${field} ${reason}`, { details: { field } });
  const comma = text.startsWith('data:') ? text.indexOf(',') : -1;
  if (text.startsWith('data:') && !/;base64$/i.test(text.slice(0, Math.max(comma, 0)))) {
    throw invalid('is a data: URI without base64 content. Send data:TYPE;base64,CONTENT, or the content alone.');
  }
  // Between characters a space is a plus sign that was decoded as a form's; at the ends of lines it may stand.
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
  // Searched for what does not belong: a pattern for the whole would keep a way back for each of 50 million characters.
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
