import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReelvecError } from '../../errors.ts';
import { openAiError, renderOpenAiError } from './errors.ts';

test('an error has the type that OpenAI clients tell apart, and names its parameter', () => {
  for (const [code, type] of [
    ['parameter_invalid', 'invalid_request_error'],
    ['conflict', 'invalid_request_error'],
    ['api_key_invalid', 'authentication_error'],
    ['too_many_requests', 'rate_limit_error'],
    ['internal_server_error', 'server_error'],
    ['service_unavailable', 'server_error'],
  ] as const) {
    const rendered = renderOpenAiError(new ReelvecError(code, 'It is so.'));
    openAiError.strict().parse(rendered);
    assert.deepEqual(rendered, { error: { message: 'It is so.', type, param: null, code } });
  }
  const about = (field: string | number) =>
    renderOpenAiError(new ReelvecError('parameter_invalid', 'x', { details: { field } })).error.param;
  assert.deepEqual([about('input.0'), about(7)], ['input.0', null]);
});
