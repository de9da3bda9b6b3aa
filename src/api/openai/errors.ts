import { z } from 'zod';
import type { ReelvecError } from '../../errors.ts';

/** Error body in the shape of the OpenAI API. */
export const openAiError = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string().describe('class of the error'),
      param: z.string().nullable().describe('path of the parameter that the error is about'),
      code: z.string().describe('error code, for programs'),
    }),
  })
  .meta({ title: 'OpenAiError' });

export function renderOpenAiError({ message, status, details, code }: ReelvecError): z.infer<typeof openAiError> {
  const field = details?.['field'];
  return { error: { message, type: typeOf(status), param: typeof field === 'string' ? field : null, code } };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
