import type { TextTokens } from '../tensors/tokens.ts';

/** Tokens of a kind of media in the text graph. */
export interface MediaTokens {
  /** Token before the soft tokens of one picture or sound. */
  readonly begin: string;
  /** Token in the place of each soft token. */
  readonly placeholder: string;
  /** Token after the soft tokens. */
  readonly end: string;
}

/** Place of one picture or sound in an input. */
export interface MediaPlace {
  readonly tokens: MediaTokens;
  readonly softTokens: number;
}

/** Token ids of inputs that mix text with the soft tokens of media. */
export class PromptTokens {
  readonly #tokens: TextTokens;
  /** Tokens that must not come from a text: the graph expects soft tokens for each placeholder. */
  readonly #reserved: readonly string[];

  /** @param media tokens of each kind of media that the model takes */
  constructor(tokens: TextTokens, media: readonly MediaTokens[]) {
    this.#tokens = tokens;
    this.#reserved = [...new Set(media.flatMap(({ begin, placeholder, end }) => [begin, placeholder, end]))];
  }

  /**
   * Token ids of an input. Its texts and media follow each other without anything between them; the tokenizer adds the
   * tokens at both ends. A text without media is truncated to the tokenizer's maximum. Reserved tokens in a text become
   * spaces.
   */
  async ids(parts: readonly (string | MediaPlace)[]): Promise<number[]> {
    const places = parts.filter((part) => typeof part !== 'string');
    const text = parts.map((part) => (typeof part === 'string' ? this.#plain(part) : part.tokens.placeholder)).join('');
    const ids = await this.#tokens.encode(text);
    if (places.length === 0) return ids;
    const placeholders = new Set(await this.#idsOf(places.map(({ tokens }) => tokens.placeholder)));
    const expanded: number[] = [];
    let next = 0;
    for (const id of ids) {
      if (!placeholders.has(id)) {
        expanded.push(id);
        continue;
      }
      const { tokens, softTokens } = places[next++]!;
      const [begin, end] = await this.#idsOf([tokens.begin, tokens.end]);
      expanded.push(begin!, ...new Array<number>(softTokens).fill(id), end!);
    }
    if (next < places.length) throw new Error('The tokenizer changes or truncates the placeholders of media.');
    return expanded;
  }

  #idsOf(tokens: readonly string[]): Promise<number[]> {
    return Promise.all(tokens.map((token) => this.#tokens.idOf(token)));
  }

  #plain(text: string): string {
    return this.#reserved.reduce((plain, token) => plain.replaceAll(token, ' '), text);
  }
}
