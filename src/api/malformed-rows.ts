/**
 * Formats part of a row, or returns undefined if the row's JSON has an unexpected shape. Rows are read without
 * validation, and a damaged or edited one must not break a whole list.
 */
export function omitIfMalformed<T>(format: () => T): T | undefined {
  try {
    return format();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
