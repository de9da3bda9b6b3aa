import { stat } from 'node:fs/promises';

/** Size of a local file or of a leased URL, in bytes. */
export async function sizeOf(location: string): Promise<number> {
  if (!/^https?:/.test(location)) return (await stat(location)).size;
  const answer = await fetch(location, { headers: { range: 'bytes=0-0' } });
  await answer.arrayBuffer();
  const size = Number(answer.headers.get('content-range')?.split('/')[1]);
  if (!answer.ok || !Number.isSafeInteger(size)) throw new Error(`${location} does not tell its size.`);
  return size;
}
