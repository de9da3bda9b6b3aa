import { createHmac } from 'node:crypto';

/** Name of the signature header. */
export const SIGNATURE_HEADER = 'TL-Signature';

/**
 * Signs a body, so that the receiver can verify its sender and time: `t=UNIX,v1=HEX`, an HMAC-SHA256 with the shared
 * secret over the time, a full stop and the body. Receivers reject signatures older than five minutes, so each attempt
 * needs a new one.
 * @param atMs milliseconds since 1970
 */
export function sign(body: string, { secret, atMs }: { secret: string; atMs: number }): string {
  const seconds = Math.floor(atMs / 1000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
