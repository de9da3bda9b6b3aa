/** Maximum bytes written by `writeFloat32`. */
export const MAX_FLOAT32_BYTES = 24;

/**
 * Powers of ten up to 10^22, which are exact as doubles. A correctly rounded quotient by one of them has exact digits.
 */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Maximum significant digits that identify a float32; six to nine are needed. */
const MAX_DIGITS = 9;
/** Significant digits that suffice for most float32 values. */
const USUAL_DIGITS = 8;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/**
 * Writes a float32 as the shortest decimal that parses to the same float32, as a JSON number in ASCII. JavaScript would
 * print the equal double, with twice the digits.
 * @param value finite float32
 * @param at offset to write at; at least `MAX_FLOAT32_BYTES` must follow
 * @returns the offset after the number
 * @throws {RangeError} for NaN and infinities, which JSON does not support
 */
export function writeFloat32(value: number, into: Uint8Array, at: number): number {
  let end = at;
  if (value < 0 || Object.is(value, -0)) into[end++] = MINUS;
  const magnitude = Math.abs(value);
  if (magnitude === 0) {
    into[end++] = ZERO;
    return end;
  }
  // Nearly all components of a unit vector are in this range.
  if (magnitude >= 1e-6 && magnitude < 1) {
    const zeros = leadingZeros(magnitude);
    const digits = countDigits(magnitude, zeros);
    if (digits > 0) return writeFraction(Math.round(magnitude * POWERS[zeros + digits]!), zeros + digits, into, end);
  }
  const text = shortestText(magnitude);
  for (let i = 0; i < text.length; i++) into[end++] = text.charCodeAt(i);
  return end;
}

/** Zeros between the decimal point and the first significant digit. */
function leadingZeros(magnitude: number): number {
  if (magnitude >= 0.1) return 0;
  if (magnitude >= 0.01) return 1;
  if (magnitude >= 0.001) return 2;
  if (magnitude >= 0.0001) return 3;
  return magnitude >= 0.00001 ? 4 : 5;
}

/** Minimum significant digits after `zeros` that parse to `magnitude`; 0 if nine do not suffice. */
function countDigits(magnitude: number, zeros: number): number {
  if (!readsBack(magnitude, zeros + USUAL_DIGITS)) return readsBack(magnitude, zeros + MAX_DIGITS) ? MAX_DIGITS : 0;
  let digits = USUAL_DIGITS;
  while (digits > 1 && readsBack(magnitude, zeros + digits - 1)) digits--;
  return digits;
}

function readsBack(magnitude: number, decimals: number): boolean {
  const power = POWERS[decimals]!;
  return Math.fround(Math.round(magnitude * power) / power) === magnitude;
}

/** Writes `digits / 10^decimals`, which is below 1 or rounds up to it. */
function writeFraction(digits: number, decimals: number, into: Uint8Array, at: number): number {
  let rest = digits | 0;
  let length = decimals;
  while (rest % 10 === 0 && length > 0) {
    rest = (rest / 10) | 0;
    length--;
  }
  into[at] = ZERO;
  into[at + 1] = POINT;
  for (let i = at + 1 + length; i > at + 1; i--) {
    const tenth = (rest / 10) | 0;
    into[i] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return at + 2 + length;
}

/**
 * Shortest decimal of any magnitude: tries each number of digits, rounded to the nearest value and to the next one
 * above.
 */
function shortestText(magnitude: number): string {
  if (!Number.isFinite(magnitude)) throw new RangeError(`${magnitude} is no float32 that JSON can hold.`);
  for (let digits = 1; ; digits++) {
    const [mantissa, exponent] = magnitude.toExponential(digits - 1).split('e');
    const nearest = Number(mantissa!.replace('.', ''));
    // Floats are twice as dense below a power of two as above it: the nearest decimal may miss where the next one does
    // not.
    for (const candidate of [nearest, nearest + 1]) {
      const decimal = Number(`${candidate}e${Number(exponent) - digits + 1}`);
      if (Math.fround(decimal) === magnitude) return String(decimal);
    }
  }
}
