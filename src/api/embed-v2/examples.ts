/** FLAC file of 0.9 KB: five seconds with a short beep in each. An example that needs no other host. */
const BEEPS = [
  'ZkxhQ4AAACIAwADAAAAMAACGAD6A8AAAE4A2E5s7rvqEdXX17OWDI/zK//gcCAABZkYAAAIBAn4BGOa3SozUZXvFQGr9fU0IuEL1bU2INkL9XQ4f',
  'bKjfrbHD7RCQp6nT7JC/V3OnmSUhTrY8eYIyNLY+dYJwAADyL88ggggggggD///8P///w////D///8P///xGlP/4HAgBAXMAAABRYv/4HAgCAUwA',
  'AADVaP/4HAgDAVkAAAApbf/4HAgEATIAAABdef/4HAgFASdOAAAAAAAAAAAAAAAAAAAAAOcdhK2NfsNIzt/OWH5i+02IHh/+H/7wEBAQAAThLOJa',
  'b1NGU6soW7/lESNI27/dURIylbv90hIynbq/3SEjCdy/1UEzBZ3L3NMSLp3b3FQ+NXRN2AVxvtX/TK1WKxD/8P/w//D/8P/w//D/8LaJ//gcCAYB',
  'GAAAACV2//gcCAcBDQAAANlz//gcCAgBzgAAAM1e//gcCAkB2wAAADFb//gcCAoB5EIAAAAA5qczwZIYf//+H///4f///rBBBBBBBAC4AAAAAEOM',
  'O3V0++MO3V1PJkwYKZ55MHCHJPJowU5Z5OGL1ZTvnFt1VTvjFt1VXvjIAAC8AAP4IA////D////mQP/4HAgLAfEAAABJVP/4HAgMAZoAAAA9QP/4',
  'HAgNAY8AAADBRf/4HAgOAbAAAABFT//4HAgPAaVGAAAAAAAAAADnMZG0/8lbtihh///h///+H///4f///h///+wAABDioBeTrHFT60EpMsb1HnST',
  'E6tzUedRSws0YmbHQuLMmZix2LirJqYseCwqwbqo77SclUPKjvuJgAAN4AoBUM0CBAgQIECAgdH/+BwIEAExAAAAAW3/+BwIEQEkAAAA/Wj/+BwI',
  'EgEbAAAAeWL/+BwIEwEOAAAAhWf/+BwIFAFlRAAAAAAAAOc4KrZRy8BA/4f/h/+H/4f/h/+H/4f/h/+H/4f/h/+H/7wEBAQBrgFwK7S1Vuj4hiwe',
  'ExXPJNlFo8JiyeWJMwvHZIXTySaBeOyIQ+3/+BwIFQFwRP9X/af9vuc0RrznxKxGgG4Vl5dFMzxjc7U2uFpqWKWDU2OdpqN45ZNLU6QH5b78BAQE',
  'AH/4f/h/+H/4f/h/+H/4f/h/+H/4f/h/+H/4CaL/+BwIFgFPAAAAiXz/+BwIFwFaAAAAdXn/+BwIGAGZAAAAYVT/+BwIGQGMAAAAnVE=',
].join('');

const MODEL = 'marengo3.0';

const sound = {
  summary: 'Sound, sent with the request',
  value: {
    input_type: 'audio',
    model_name: MODEL,
    audio: {
      media_source: { base64_string: BEEPS },
      segmentation: { strategy: 'fixed', fixed: { duration_sec: 2 } },
      embedding_option: ['audio'],
    },
  },
};
const text = {
  summary: 'Words',
  value: { input_type: 'text', model_name: MODEL, text: { input_text: 'the keeper of a lighthouse' } },
};

/**
 * Request bodies that work unchanged on any server, for the OpenAPI document and its *Try it out*. They are examples of
 * the media type, because zod omits `examples` from schemas with transforms.
 */
export const TASK_EXAMPLES = { sound };
export const EMBEDDING_EXAMPLES = { text, sound };
