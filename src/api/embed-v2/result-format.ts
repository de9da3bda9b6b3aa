import { RESULT_TYPES, type ResultFormat } from '../../tasks/results/formats.ts';

const FORMATS = Object.keys(RESULT_TYPES) as ResultFormat[];
/** Other media types of the formats. */
const OTHER_NAMES: Readonly<Record<string, ResultFormat>> = {
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/vnd.apache.arrow': 'arrow',
  'application/parquet': 'parquet',
};

/**
 * Preferred format of an `Accept` header (RFC 9110, section 12.5.1). JSON if it names none of the formats, because that
 * is what clients of the TwelveLabs API expect.
 */
export function acceptedFormat(header: string | undefined): ResultFormat {
  const overrides = (header ?? '').split(',').map((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { format: formatOf(type!), quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  const known = overrides.filter(({ format, quality }) => format !== undefined && quality > 0);
  return known.toSorted((a, b) => b.quality - a.quality)[0]?.format ?? 'json';
}

function formatOf(type: string): ResultFormat | undefined {
  if (type === '*/*' || type === 'application/*') return 'json';
  return FORMATS.find((format) => RESULT_TYPES[format] === type) ?? OTHER_NAMES[type];
}
