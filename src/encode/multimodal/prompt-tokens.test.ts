import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import reference from '../../../test/support/gemma-token-ids.json' with { type: 'json' };
import { TextTokens } from '../tensors/tokens.ts';
import { PromptTokens } from './prompt-tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-prompt-tokens-'));
after(() => rmSync(folder, { recursive: true }));
const files = [join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')] as const;
writeFileSync(files[0], JSON.stringify(reference.tokenizer));
writeFileSync(files[1], '{}');

const MEDIA: Record<string, { begin: string; placeholder: string; end: string }> = {
  image: { begin: '<|image>', placeholder: '<|image|>', end: '<image|>' },
  video: { begin: '<|image>', placeholder: '<|video|>', end: '<image|>' },
  sound: { begin: '<|audio>', placeholder: '<|audio|>', end: '<audio|>' },
};
const open = (maxTokens = 8192) =>
  new PromptTokens(new TextTokens({ files: async () => files, maxTokens }), Object.values(MEDIA));

const toPart = (part: string | readonly (string | number)[]) =>
  typeof part === 'string' ? part : { tokens: MEDIA[part[0]!]!, softTokens: Number(part[1]) };

describe('token ids of inputs with media', () => {
  const prompt = open();
  for (const { parts, ids } of reference.cases) {
    it(`equal those of the original tokenizer for ${JSON.stringify(parts)}`, async () => {
      const expected = ids.flatMap(([id, times]) => new Array(times!).fill(id));
      assert.deepEqual(await prompt.ids(parts.map(toPart)), expected);
    });
  }

  it('take reserved tokens in a text as spaces, so that no placeholder is without its soft tokens', async () => {
    const image = toPart(['image', 3]);
    const found = await prompt.ids(['hello <|image|><|video|><audio|>', image, ' world']);
    assert.deepEqual(found, await prompt.ids(['hello    ', image, ' world']));
    assert.equal(found.filter((id) => id === 258880).length, 3);
  });

  it('truncate a text alone and keep the tokens at both ends', async () => {
    const text = 'a red car drives through the rain at night';
    const whole = await prompt.ids([text]);
    assert.deepEqual(await open(5).ids([text]), [...whole.slice(0, 4), whole.at(-1)]);
  });

  it('name a token that the tokenizer does not have', async () => {
    const odd = { begin: '<|smell>', placeholder: '<|image|>', end: '<image|>' };
    await assert.rejects(prompt.ids([{ tokens: odd, softTokens: 1 }]), /no token "<\|smell>"/);
  });
});
