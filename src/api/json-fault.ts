const SPACE = /[ \t\n\r]*/y;
/** What stands in a string as it is: all but quotes, backslashes and control characters. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const ATOM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** A place in a text. Lines and columns count from 1, the offset from 0, in UTF-16 units. */
export interface TextPlace {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the token at which a text stops being JSON (RFC 8259), or its end where it is cut off. V8's messages leave the
 * position out for most tokens.
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
  /** Closing brackets to come, the innermost last. */
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
    // A value, with everything that it opens.
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
    // After a value: everything that it closes.
    while (open.length > 0 && takeSign(open.at(-1)!)) open.pop();
    take(SPACE);
    if (open.length === 0) return at === text.length ? undefined : at;
    if (!takeSign(',')) return at;
    if (open.at(-1) === '}' && !takeKey()) return at;
  }
}
