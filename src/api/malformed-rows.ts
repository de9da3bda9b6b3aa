/**
 * Tells something of a row, or nothing where its JSON has another shape than this version writes: rows are read without
 * being validated, and one that was damaged or edited must not break a whole list.
 */
export function omitIfMalformed<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
