import { randomBytes } from 'node:crypto';

let lastMs = 0;

/**
 * A new id: 24 lower-case hex characters, 48 bits of milliseconds and 48 random ones. Ids of one process rise with
 * time, also where the clock stands still or steps back.
 */
export function newId(): string {
  lastMs = Math.max(Date.now(), lastMs + 1);
  return lastMs.toString(16).padStart(12, '0') + randomBytes(6).toString('hex');
}

/** Whether a string has the form of an id. */
export function isId(value: string): boolean {
  return /^[0-9a-f]{24}$/.test(value);
}
