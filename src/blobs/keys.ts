const NAME = '[a-z0-9_-][a-z0-9._-]*';
const KEY = new RegExp(`^${NAME}(/${NAME})*$`);
const PREFIX = new RegExp(`^(${NAME}/)*$`);

/** Throws a TypeError for an invalid blob key. A valid key cannot lead out of the store. */
export function assertBlobKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError(`${JSON.stringify(key)} is not a blob key.`);
}

/** Throws a TypeError unless the prefix is empty or a valid prefix that ends in `/`. */
export function assertBlobPrefix(prefix: string): void {
  if (!PREFIX.test(prefix)) throw new TypeError(`${JSON.stringify(prefix)} is not a prefix of blob keys.`);
}
