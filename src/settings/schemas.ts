import { z } from 'zod';

export const MEGABYTE = 1024 ** 2;
export const GIGABYTE = 1024 ** 3;

/** Comma-separated list. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );

/** Model names of requests. */
export const modelNames = list.transform((names) => (names.length > 0 ? names : ['marengo3.0', 'marengo3.5']));

export const httpUrl = z.url({ protocol: /^https?$/ });
export const port = z.coerce.number().int().min(0).max(65535);
/** Relative paths start at the working folder. */
export const folder = z.string().min(1);

export function bytes(fallback: number) {
  return z.coerce.number().int().min(1).default(fallback);
}

/** A limit of at least 0; unlimited when unset. */
export function quota(number: z.ZodCoercedNumber) {
  return number.min(0).optional();
}

/** Transform from seconds to milliseconds. */
export function toMs(seconds: number): number {
  return seconds * 1000;
}

/** Milliseconds per duration unit. */
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses `90s`, `15m`, `12h` or `7d` to milliseconds, and `never` to undefined. */
export function duration(fallback: string) {
  return z
    .string()
    .regex(/^(never|[1-9]\d{0,5}[smhd])$/, { error: 'must be a time such as 90s, 15m, 12h or 7d, or never' })
    .default(fallback)
    .transform((text) =>
      text === 'never' ? undefined : Number(text.slice(0, -1)) * UNIT_MS[text.at(-1) as keyof typeof UNIT_MS],
    );
}
