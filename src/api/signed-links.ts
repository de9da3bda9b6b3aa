import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ReelvecError } from '../errors.ts';

/** Query parameters of a signed link. */
export const linkQuery = z.strictObject({
  expires: z.coerce.number().int().describe('seconds since 1970'),
  signature: z.string().describe('HMAC-SHA256 in base64url'),
});

/** Signed links: each authorises one method on one path until it expires, without an API key. */
export class SignedLinks {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** Returns the path with its expiry and signature. */
  sign(method: 'GET' | 'PUT', path: string, expiresAt: Date): string {
    const expires = Math.floor(expiresAt.getTime() / 1000);
    return `${path}?expires=${expires}&signature=${this.#signature(method, path, expires)}`;
  }

  /** @throws {ReelvecError} `forbidden` for a wrong signature or an expired link */
  check(method: 'GET' | 'PUT', path: string, { expires, signature }: z.infer<typeof linkQuery>): void {
    const expected = Buffer.from(this.#signature(method, path, expires));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
      throw new ReelvecError(
        'forbidden',
        'The signature of the URL is not valid. Use the URL exactly as it was given.',
      );
    }
    if (expires * 1000 < Date.now()) {
      throw new ReelvecError('forbidden', 'The URL has expired. Ask for a new one.');
    }
  }

  #signature(method: string, path: string, expires: number): string {
    return createHmac('sha256', this.#secret).update(`${method}\n${path}\n${expires}`).digest('base64url');
  }
}
