/**
 * Parses a JSON object from a column, without checking its properties.
 * @returns undefined for anything but an object: one damaged row must not break a list
 */
export function storedObject(text: unknown): object | undefined {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** Parses a JSON array of strings from a column. Drops other items; empty for anything but an array. */
export function storedSentences(text: unknown): string[] {
  const value = parsed(text);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
