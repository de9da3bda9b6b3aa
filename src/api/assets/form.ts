import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { AssetService } from '../../assets/service.ts';
import type { Upload } from '../../assets/upload.ts';
import { isReelvecError, ReelvecError } from '../../errors.ts';

/** Maximum characters of the file name. The end is kept, because it has the extension. */
const MAX_FILENAME = 255;
/** Maximum bytes of a text field. Only user_metadata can be long. */
const MAX_FIELD_BYTES = 64 * 1024;
/** Limits of the multipart parser; the file size is limited while the file is stored. */
const LIMITS = { fieldNameSize: 100, fieldSize: MAX_FIELD_BYTES, fields: 20, files: 2, parts: 22, fileSize: Infinity };

export interface Form {
  /** Text fields that are not empty. */
  readonly fields: Readonly<Record<string, string>>;
  /** The stored file, with the client's file name. */
  readonly upload?: Upload & { readonly filename: string };
}

/**
 * Reads a multipart form with its parts in any order. The file is streamed to the blob store; the caller validates the
 * form. If this throws, the file is discarded.
 */
export async function readForm(request: FastifyRequest, assets: AssetService): Promise<Form> {
  if (!request.isMultipart()) {
    throw new ReelvecError('unsupported_media_type', 'Send the asset as multipart/form-data, also with method url.');
  }
  const fields: Record<string, string> = {};
  let upload: Form['upload'];
  try {
    for await (const part of request.parts({ limits: LIMITS })) {
      const name = part.fieldname;
      if (name in fields || (upload && name === 'file')) throw invalid(name, `${name} is given more than once.`);
      if (part.type === 'field') {
        if (name === 'file') throw invalid(name, 'file must be sent as a file, with a file name.');
        const text = fieldText(part);
        if (text !== '') fields[name] = text;
      } else if (name === 'file') {
        upload = {
          ...(await assets.receive(part.file, request.owner)),
          filename: part.filename?.slice(-MAX_FILENAME) || 'upload',
        };
      } else {
        throw invalid(name, `${name} is sent as a file. Only file may be one; send ${name} as a text field.`);
      }
    }
    return { fields, upload };
  } catch (error) {
    if (upload) await assets.discard(upload);
    throw asFormError(error);
  }
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
