import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ReelvecError } from '../errors.ts';

/** Query parameters that make a link do without a key. */
export const linkQuery = z.strictObject({
  expires: z.coerce.number().int().describe('seconds since 1970'),
  signature: z.string().describe('HMAC-SHA256 in base64url'),
});

/** Links that authorise by themselves: one method, one path, for a time. */
export class SignedLinks {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** @returns the path with its signature */
  sign(method: 'GET' | 'PUT', path: string, expiresAt: Date): string {
    const expires = Math.floor(expiresAt.getTime() / 1000);
    return `${path}?expires=${expires}&signature=${this.#signature(method, path, expires)}`;
  }

  /** @throws forbidden */
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
