import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_FLOAT32_BYTES, writeFloat32 } from './float32.ts';

const bytes = new Uint8Array(MAX_FLOAT32_BYTES + 2);

function written(value: number): string {
  bytes.fill(0);
  const end = writeFloat32(value, bytes, 1);
  assert.ok(end - 1 <= MAX_FLOAT32_BYTES);
  assert.equal(bytes[end], 0);
  return Buffer.from(bytes.subarray(1, end)).toString('latin1');
}

/** Significant digits of the shortest decimal that parses to the value, found by trying all decimals next to it. */
function fewestDigits(value: number): number {
  for (let digits = 1; ; digits++) {
    const [mantissa, exponent] = Math.abs(value)
      .toExponential(digits - 1)
      .split('e');
    const near = Number(mantissa!.replace('.', ''));
    for (const candidate of [near - 1, near, near + 1]) {
      if (Math.fround(Number(`${candidate}e${Number(exponent) - digits + 1}`)) === Math.abs(value)) return digits;
    }
  }
}

function check(value: number): void {
  const text = written(value);
  assert.match(text, /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]\d+)?$/, `${value} is ${text}`);
  assert.ok(Object.is(Math.fround(JSON.parse(text)), value), `${value} became ${text}`);
  if (value === 0) return;
  const digits = text
    .replace(/e.*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
  assert.ok(digits.length <= fewestDigits(value), `${text} is not the shortest for ${value}`);
}

function fromBits(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

test('known values have their usual decimal form', () => {
  const known: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1, '-1'],
    [0.1, '0.1'],
    [-0.01, '-0.01'],
    [0.5, '0.5'],
    [1 / 3, '0.33333334'],
    [0.99999994, '0.99999994'],
    [0.000001, '0.000001'],
    [1.1754944e-38, '1.1754944e-38'],
    [2 ** -149, '1e-45'],
    [3.4028235e38, '3.4028235e+38'],
    [16777216, '16777216'],
    [123.456, '123.456'],
  ];
  for (const [value, text] of known) assert.equal(written(Math.fround(value)), text);
});

test('every float32 parses back and has the fewest digits', () => {
  for (let exponent = 0; exponent < 255; exponent++) {
    for (const mantissa of [0, 1, 2, 0x400000, 0x7ffffe, 0x7fffff, Math.floor(Math.random() * 0x800000)]) {
      const bits = (exponent << 23) | mantissa;
      check(fromBits(bits));
      check(-fromBits(bits));
    }
  }
  for (let i = 0; i < 20_000; i++) check(Math.fround((Math.random() - 0.5) * 10 ** (-8 * Math.random())));
  for (let i = 0; i < 20_000; i++) {
    const value = fromBits(Math.floor(Math.random() * 2 ** 32));
    if (Number.isFinite(value)) check(value);
  }
});

test('decimals of few digits are unchanged', () => {
  for (let i = 0; i < 5000; i++) {
    const text = (Math.random() * 10 ** -Math.floor(Math.random() * 4)).toFixed(6).replace(/\.?0+$/, '');
    assert.equal(written(Math.fround(Number(text))), text);
  }
});

test('values that JSON does not support are refused', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(() => written(value), RangeError);
  }
});
