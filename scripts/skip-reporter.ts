import type { TestEvent } from 'node:test/reporters';

/** Reporter of node:test that lists the skipped tests by their reason, after all others. */
export default async function* skipReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped = new Map<string, string[]>();
  for await (const { type, data } of events) {
    if (type !== 'test:pass' || data.skip === undefined || data.skip === false) continue;
    const reason = data.skip === true || data.skip === '' ? 'no reason given' : data.skip;
    skipped.set(reason, [...(skipped.get(reason) ?? []), data.name]);
  }
  if (skipped.size === 0) yield '\nNo test was skipped.\n';
  for (const [reason, names] of skipped) {
    yield `\nSkipped: ${reason} (${names.length})\n`;
    for (const name of names) yield `  ${name}\n`;
  }
}
