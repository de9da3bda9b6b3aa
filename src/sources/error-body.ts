import { setTimeout as sleep } from 'node:timers/promises';

/** Maximum bytes read of an error body. Errors of storage services have a few hundred. */
const MAX_BODY_BYTES = 4096;
/** Maximum time to read an error body, in milliseconds. */
const MAX_WAIT_MS = 1000;
/** Maximum length of a quoted message; longer ones are truncated. */
const MAX_MESSAGE_CHARACTERS = 200;
/** Predefined entities of XML. */
const XML_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Error reason from a storage service (S3 and compatible, Google, Azure): `AccessDenied: Request has expired`. Uses only
 * `Code` and `Message` of the XML, since other elements may contain the signed URL.
 * @param body of the response; it is consumed
 * @returns undefined for any other body
 */
export async function storageReason(body: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const text = await readStart(body);
  if (!/^\s*(<\?xml|<Error>)/.test(text)) return undefined;
  const code = element(text, 'Code');
  if (!/^[\w.-]{1,64}$/.test(code)) return undefined;
  const message = element(text, 'Message')
    .replace(/[^\p{L}\p{N}\p{P}\p{S}]+/gu, ' ')
    .trim();
  const shown =
    message.length > MAX_MESSAGE_CHARACTERS
      ? `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…`
      : message.replace(/\.$/, '');
  return shown ? `${code}: ${shown}` : code;
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const done = new AbortController();
  const read = async () => {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MAX_BODY_BYTES) break;
    }
  };
  // A truncated error body is parsed as far as it goes.
  await Promise.race([read().catch(() => {}), sleep(MAX_WAIT_MS, undefined, { signal: done.signal })]).finally(() =>
    done.abort(),
  );
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString();
}

function element(xml: string, name: string): string {
  const [, content = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return content.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => XML_ENTITIES[entity]!);
}
