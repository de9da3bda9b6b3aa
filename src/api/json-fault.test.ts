import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonFault } from './json-fault.ts';

test('a fault in JSON is found where it begins, with its line and column', () => {
  for (const [text, offset, line, column] of [
    ['', 0, 1, 1],
    ['{', 1, 1, 2],
    ['{"a": x}', 6, 1, 7],
    ['{"a":1,}', 7, 1, 8],
    ["{'a':1}", 1, 1, 2],
    ['[1, 2', 5, 1, 6],
    ['1 2', 2, 1, 3],
    ['{"a":01}', 6, 1, 7],
    ['{\n  "a": 1\n  "b": 2\n}', 13, 3, 3],
    ['{"a": "line\nbreak"}', 6, 1, 7],
    ['[{"a": [1, {}, []]}, tru]', 21, 1, 22],
  ] as const) {
    assert.deepEqual(jsonFault(text), { offset, line, column }, text);
  }
});

test('what JSON.parse takes has no fault, what it refuses has one', () => {
  const whole = JSON.stringify([{ a: [1, -2.5e-7, true, null], b: { c: 'x"\\\n\u2028é' } }, {}, [], '']);
  assert.equal(jsonFault(whole), undefined);
  for (let i = 0; i < whole.length; i++) {
    for (const text of [
      whole.slice(0, i),
      whole.slice(0, i) + whole.slice(i + 1),
      `${whole.slice(0, i)},${whole.slice(i)}`,
    ]) {
      assert.equal(jsonFault(text) === undefined, isJson(text), text);
    }
  }
});

test('a fault behind the largest body is found in time and without deep recursion', () => {
  const long = `{"a":"${'x'.repeat(30e6)}${'\\\\n'.repeat(2e6)}","b":${'['.repeat(10_000)}?`;
  assert.equal(jsonFault(long)?.offset, long.length - 1);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
