const SPACE = /[ \t\n\r]*/y;
/** Unescaped characters in a string: all but quotes, backslashes and control characters. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Position in a text in UTF-16 units. The line and column start at 1, the offset at 0. */
export interface TextPlace {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the first invalid token of a JSON text (RFC 8259), or the end of a truncated text. V8's error messages omit the
 * position for most tokens.
 * @returns undefined for valid JSON
 */
export function jsonFault(text: string): TextPlace | undefined {
  const offset = faultOffset(text);
  if (offset === undefined) return undefined;
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', lineStart)) {
    line++;
    lineStart = end + 1;
  }
  return { offset, line, column: offset - lineStart + 1 };
}

function faultOffset(text: string): number | undefined {
  /** Expected closing brackets, innermost last. */
  const open: ('}' | ']')[] = [];
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const isThere = pattern.test(text);
    if (isThere) at = pattern.lastIndex;
    return isThere;
  };
  const takeSign = (sign: string): boolean => {
    take(SPACE);
    if (text[at] !== sign) return false;
    at++;
    return true;
  };
  const takeString = (): boolean => {
    const start = at;
    if (text[at++] === '"') {
      do take(PLAIN);
      while (take(ESCAPE));
      if (text[at++] === '"') return true;
    }
    at = start;
    return false;
  };
  const takeKey = (): boolean => {
    take(SPACE);
    return takeString() && takeSign(':');
  };
  for (;;) {
    // A value, with the brackets that it opens.
    if (takeSign('{')) {
      if (!takeSign('}')) {
        open.push('}');
        if (!takeKey()) return at;
        continue;
      }
    } else if (takeSign('[')) {
      if (!takeSign(']')) {
        open.push(']');
        continue;
      }
    } else if (!takeString() && !take(ATOM)) return at;
    // After a value, the brackets that it closes.
    while (open.length > 0 && takeSign(open.at(-1)!)) open.pop();
    take(SPACE);
    if (open.length === 0) return at === text.length ? undefined : at;
    if (!takeSign(',')) return at;
    if (open.at(-1) === '}' && !takeKey()) return at;
  }
}
