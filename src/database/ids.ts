import { randomBytes } from 'node:crypto';

let lastMs = 0;

/**
 * Creates an id of 24 lower-case hex characters: 48 bits of Unix time in milliseconds and 48 random bits. Ids of one
 * process are strictly increasing, even if the clock stands still or steps back.
 */
export function newId(): string {
  lastMs = Math.max(Date.now(), lastMs + 1);
  return lastMs.toString(16).padStart(12, '0') + randomBytes(6).toString('hex');
}
