import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Document, Json, JsonObject } from '../../src/api/openapi/types.ts';

/**
 * Validates values against the schemas of an OpenAPI 3.1 document.
 * @returns function that returns the errors of a value, or undefined
 */
export function validatorOf(document: Document): (schema: JsonObject, value: Json) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  // References resolve from the root of the document.
  ajv.addSchema({ $id: 'openapi', components: document.components }, 'openapi');
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>();
  return (schema, value) => {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/');
    let validate = compiled.get(text);
    if (!validate) {
      validate = ajv.compile(JSON.parse(text));
      compiled.set(text, validate);
    }
    if (validate(value)) return undefined;
    return ajv.errorsText(validate.errors, { dataVar: 'value' }).slice(0, 1000);
  };
}
