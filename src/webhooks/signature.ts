import { createHmac } from 'node:crypto';

/** Name of the header that carries the signature. */
export const SIGNATURE_HEADER = 'TL-Signature';

/**
 * Proves to the receiver who sent a body and when: `t=UNIX,v1=HEX`, an HMAC-SHA256 with the shared secret over the
 * time, a full stop and the body. Receivers refuse what is older than five minutes, so every attempt signs anew.
 * @param atMs milliseconds since 1970
 */
export function sign(body: string, { secret, atMs }: { secret: string; atMs: number }): string {
  const seconds = Math.floor(atMs / 1000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}
