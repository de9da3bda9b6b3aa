import { setTimeout as sleep } from 'node:timers/promises';

/** Read of an error's body; storage services need some hundred bytes. */
const MAX_BODY_BYTES = 4096;
const MAX_WAIT_MS = 1000;
/** Characters that are passed on of a message. */
const MAX_MESSAGE_CHARACTERS = 200;
/** XML's five entities. */
const XML_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * The reason that a storage service (S3 and its likes, Google, Azure) gives with an error: `AccessDenied: Request has
 * expired`. Only `Code` and `Message` of its XML are passed on, since the rest may repeat the signed URL.
 * @param body of the answer; it is consumed
 * @returns undefined for every other body
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
  // What breaks off in the middle of an error is still that error.
  await Promise.race([read().catch(() => {}), sleep(MAX_WAIT_MS, undefined, { signal: done.signal })]).finally(() =>
    done.abort(),
  );
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString();
}

function element(xml: string, name: string): string {
  const [, content = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return content.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => XML_ENTITIES[entity]!);
}
