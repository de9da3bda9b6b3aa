/**
 * Reads what a JSON column holds.
 * @returns undefined for what is no JSON object: one damaged row must not break a list. The object's own values are
 * not checked
 */
export function storedObject(text: unknown): object | undefined {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** Reads a JSON array of strings. @returns the strings in it; nothing of what is no array */
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
