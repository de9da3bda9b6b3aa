import type { Readable } from 'node:stream';
import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { isReelvecError, ReelvecError } from '../errors.ts';
import { validate } from './validation.ts';

/** Maximum characters of a file name. The end is kept, because it has the extension. */
const MAX_FILENAME = 255;
/** Maximum bytes of a text field. */
const MAX_FIELD_BYTES = 64 * 1024;
/** Maximum number of text fields. */
const MAX_FIELDS = 20;

/** Fields of a form that are not single texts, and the storage of its files. */
export interface FormReader<File> {
  /** Names of the file fields. */
  readonly files: readonly string[];
  /** Names of the text fields that may be repeated. */
  readonly lists?: readonly string[];
  /** Stores a file as it arrives. The size is limited here. */
  readonly receive: (content: Readable, field: string) => Promise<File>;
  readonly discard: (file: File) => Promise<void>;
  /** Error message for a request that is not a form. */
  readonly advice: string;
}

export interface Form<File> {
  /** Text fields that are not empty; lists as arrays. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** Stored files by field, with the client's file names. */
  readonly files: Readonly<Record<string, File & { readonly filename: string }>>;
}

/**
 * Reads a multipart form with its parts in any order. Files are stored while they arrive; the caller validates the
 * fields. If this throws, the files are discarded.
 */
export async function readForm<File>(request: FastifyRequest, reader: FormReader<File>): Promise<Form<File>> {
  const { files: fileNames, lists = [], receive, discard, advice } = reader;
  if (!request.isMultipart()) throw new ReelvecError('unsupported_media_type', advice);
  const fields: Record<string, string | string[]> = {};
  const files: Record<string, File & { filename: string }> = {};
  try {
    for await (const part of request.parts({ limits: limitsOf(fileNames.length) })) {
      const name = part.fieldname;
      const isRepeated = Object.hasOwn(fields, name) || Object.hasOwn(files, name);
      if (isRepeated && !lists.includes(name)) throw invalid(name, `${name} is given more than once.`);
      if (part.type === 'field') {
        if (fileNames.includes(name)) throw invalid(name, `${name} must be sent as a file, with a file name.`);
        const text = fieldText(part);
        if (text === '') continue;
        fields[name] = lists.includes(name) ? [...(fields[name] ?? []), text] : text;
      } else if (fileNames.includes(name)) {
        const stored = await receive(part.file, name);
        files[name] = { ...stored, filename: part.filename?.slice(-MAX_FILENAME) || 'upload' };
      } else {
        const only =
          fileNames.length === 1 ? `Only ${fileNames[0]} may be one` : `Only ${fileNames.join(' and ')} may be`;
        throw invalid(name, `${name} is sent as a file. ${only}; send ${name} as a text field.`);
      }
    }
    return { fields, files };
  } catch (error) {
    await Promise.all(Object.values(files).map(discard));
    throw asFormError(error);
  }
}

/**
 * Validates values of a form.
 * @throws {ReelvecError} that names the field and the rule
 */
export function checked<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const check = validate({ schema, method: 'POST', url: '', httpPart: 'body' });
  const result = check(given) as { value: z.output<T>; error?: Error };
  if (result.error) throw result.error;
  return result.value;
}

function limitsOf(files: number) {
  return {
    fieldNameSize: 100,
    fieldSize: MAX_FIELD_BYTES,
    fields: MAX_FIELDS,
    files: files + 1,
    parts: MAX_FIELDS + files + 1,
    fileSize: Infinity,
  };
}

function fieldText(part: Extract<Multipart, { type: 'field' }>): string {
  if (part.valueTruncated) {
    throw invalid(part.fieldname, `${part.fieldname} is longer than the ${MAX_FIELD_BYTES} bytes that are allowed.`);
  }
  // A part of type application/json arrives parsed.
  return typeof part.value === 'string' ? part.value : JSON.stringify(part.value);
}

function invalid(field: string, message: string): ReelvecError {
  return new ReelvecError('parameter_invalid', message, { details: { field } });
}

/** Converts errors of the form parser, which have a Fastify code or a message about the multipart form. */
function asFormError(error: unknown): unknown {
  if (isReelvecError(error) || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNRESET') {
    return new ReelvecError('request_canceled_or_timed_out', 'The connection ended before the form did.', {
      cause: error,
    });
  }
  if (!code.startsWith('FST_') && !/multipart|malformed part|terminated early|boundary/i.test(error.message))
    return error;
  const hint = 'Send it again, complete and as multipart/form-data.';
  return new ReelvecError('parameter_invalid', `The form cannot be read: ${error.message}. ${hint}`, { cause: error });
}
