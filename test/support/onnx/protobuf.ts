/** Minimal writer of the protobuf wire format (https://protobuf.dev/programming-guides/encoding). */

export type Field = readonly [number: number, value: number | bigint | string | Uint8Array | FloatField];

/** A 32-bit float. Plain numbers are written as integers. */
export interface FloatField {
  readonly float: number;
}

/** Serializes a message with these fields, in order. A repeated field has one entry per value. */
export function message(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.map(([number, value]) => field(number, value)));
}

function field(number: number, value: Field[1]): Uint8Array {
  if (typeof value === 'number' || typeof value === 'bigint') return Buffer.concat([key(number, 0), varint(value)]);
  if (typeof value === 'object' && 'float' in value) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value.float);
    return Buffer.concat([key(number, 5), bytes]);
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([key(number, 2), varint(bytes.length), bytes]);
}

function key(number: number, wireType: number): Uint8Array {
  return varint((number << 3) | wireType);
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
