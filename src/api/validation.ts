import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type ErrorCode, type ErrorDetails, ReelvecError } from '../errors.ts';

/** Maximum nesting depth in which nulls are removed. Deeper values are refused as unknown anyway. */
const MAX_DEPTH = 12;
/** Maximum number of faults in one error message. */
const MAX_SENTENCES = 3;

/** Maximum characters of a value in an error message. */
const MAX_VALUE_CHARS = 100;

/** Type names for error messages, by zod's names. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};
/** Format names for error messages, by zod's names. */
const FORMAT_NAMES: Readonly<Record<string, string>> = {
  datetime: 'a time as in 2025-03-01T12:00:00Z',
  safeint: 'a whole number',
};

/** Validates requests with zod schemas. `null` means absent, because SDKs send it for unset fields. */
export const validate: FastifySchemaCompiler<z.ZodType> = (part) => {
  const check = validateWithNulls(part);
  return (data) => check(withoutNulls(data));
};

/** Like {@link validate}, for the bodies in which `null` has a meaning. */
export const validateWithNulls: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data) => {
    const given = data ?? undefined;
    const result = schema.safeParse(given, {
      error: (issue) => predicate(issue, givenAt(issue, given)),
      reportInput: true,
    });
    return result.success ? { value: result.data } : { error: refusal(result.error.issues, given, httpPart!) };
  };

function withoutNulls(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item, depth + 1)]));
}

function refusal(issues: readonly z.core.$ZodIssue[], given: unknown, part: string): ReelvecError {
  // One fault per field. A later check is more specific: zod compares a whole number with the safe integers first.
  const faults = new Map(issues.flatMap((issue) => fields(issue).map((field) => [field, issue.message])));
  const sentences = Array.from(faults, ([field, message]) => `${field || `The ${part}`} ${message}`);
  const first = issues[0]!;
  const value = givenAt(first, given);
  const field = fields(first)[0];
  const details: ErrorDetails = {
    ...(field && { field }),
    ...(isShort(value) && { value }),
    ...(first.code === 'invalid_value' && { allowed: first.values.map(String) }),
  };
  return new ReelvecError(codeOf(first, value), sentences.slice(0, MAX_SENTENCES).join(' '), {
    details: Object.keys(details).length > 0 ? details : undefined,
  });
}

/** Dotted paths of the fields of an issue. */
function fields(issue: z.core.$ZodIssue): string[] {
  const names = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [key.slice(0, 80)]) : [[]];
  return names.map((name) => [...issue.path, ...name].join('.'));
}

function codeOf(issue: z.core.$ZodIssue, value: unknown): ErrorCode {
  if (issue.code === 'unrecognized_keys') return 'parameter_unknown';
  if (issue.code === 'custom' && issue.params?.code) return issue.params.code;
  return value === undefined && issue.code.startsWith('invalid_') ? 'parameter_not_provided' : 'parameter_invalid';
}

/** Error text that follows the name of the field. */
function predicate(issue: z.core.$ZodRawIssue, value: unknown): string {
  const got = value === undefined ? '.' : `: got ${show(value)}.`;
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined ? `is required: ${typeName(issue)}.` : `must be ${typeName(issue)}${got}`;
    case 'invalid_value': {
      const allowed = issue.values.map((word) => JSON.stringify(word)).join(' or ');
      return value === undefined ? `is required: ${allowed}.` : `must be ${allowed}${got}`;
    }
    case 'invalid_format':
      return `must be ${FORMAT_NAMES[issue.format] ?? issue.format}${got}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty.';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${got}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long.' : got}`;
    case 'unrecognized_keys': {
      const shape = (issue.inst as z.ZodObject | undefined)?.shape ?? {};
      return `is not a parameter of this request. Known here: ${Object.keys(shape).join(', ') || 'none'}.`;
    }
    default:
      return `is not valid${got}`;
  }
}

function typeName(issue: { expected: string }): string {
  return TYPE_NAMES[issue.expected] ?? issue.expected;
}

/** Input value of an issue. For text that is not a number, it is the text rather than NaN. */
function givenAt(issue: { path?: PropertyKey[]; input?: unknown; code?: string }, given: unknown): unknown {
  if (issue.code !== 'custom' && !Number.isNaN(issue.input)) return issue.input;
  return (issue.path ?? []).reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], given);
}

function isShort(value: unknown): value is string | number | boolean {
  return (
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'string' && value.length <= MAX_VALUE_CHARS)
  );
}

/** Formats a value for an error message. Long values are truncated: a field may hold a whole video. */
function show(value: unknown): string {
  if (Array.isArray(value)) return value.length <= 8 && value.every(isShort) ? JSON.stringify(value) : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string' && value.length > MAX_VALUE_CHARS) {
    return `${JSON.stringify(value.slice(0, 40))}… (${value.length} characters)`;
  }
  return JSON.stringify(value);
}
