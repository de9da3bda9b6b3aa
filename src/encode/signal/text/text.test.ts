import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encoderContract } from '../../../../test/support/contracts/encoder.ts';
import { cosine } from '../../../../test/support/embeddings.ts';
import { textEncoder } from './text.ts';

const said = (text: string) => ({ startSec: 0, endSec: 6, text });

encoderContract('signal transcription', async () => textEncoder, [
  said('Ask not what your country can do for you.'),
  said('音声認識とディープラーニングの技術'),
  said('♪ ♪'),
  said('…'),
  said('a'),
  said('\u{1F3AC}'),
  said('\uD800'),
  said('word '.repeat(10_000)),
]);

async function similarity(a: string, b: string): Promise<number> {
  const [x, y] = await textEncoder.encode([said(a), said(b)]);
  return cosine(x!, y!);
}

describe('signal transcription', () => {
  it('ignores case, width of letters, spaces and punctuation', async () => {
    assert.ok((await similarity('Hello, WORLD — ok?', 'ｈｅｌｌｏ  world ok')) > 0.999);
  });

  it('places texts with shared words nearer than others', async () => {
    const query = 'the rocket launch was delayed';
    const near = await similarity(query, 'they delayed the launch of a rocket');
    assert.ok(near > 0.4);
    assert.ok(near > 0.2 + (await similarity(query, 'she pours coffee into a blue mug')));
  });

  it('places other forms of a word near', async () => {
    assert.ok((await similarity('encoding', 'encoded')) > 0.2 + (await similarity('encoding', 'flower')));
  });

  it('finds shared words in scripts without spaces', async () => {
    assert.ok(
      (await similarity('音声認識の技術', '新しい音声認識')) >
        0.2 + (await similarity('音声認識の技術', '青い花が咲く')),
    );
  });

  it('depends a little on word order', async () => {
    assert.ok((await similarity('dog bites man', 'man bites dog')) < 0.95);
  });
});
