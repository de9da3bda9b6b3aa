import { readFile } from 'node:fs/promises';
import type { Tokenizer } from '@huggingface/tokenizers';

/** Tokenizer of a model; its files are read on first use. */
export class TextTokens {
  readonly #files: () => Promise<readonly [tokenizer: string, config: string]>;
  readonly #maxTokens: number;
  #tokenizer: Promise<Tokenizer> | undefined;

  /** @param options.files resolves to the paths of `tokenizer.json` and `tokenizer_config.json` */
  constructor(options: { files: () => Promise<readonly [tokenizer: string, config: string]>; maxTokens: number }) {
    this.#files = options.files;
    this.#maxTokens = options.maxTokens;
  }

  /** Token ids of a text, with special tokens. Texts over `maxTokens` are truncated; special tokens are kept. */
  async encode(text: string): Promise<number[]> {
    const tokenizer = await this.#ready();
    const ids: number[] = tokenizer.encode(text).ids;
    if (ids.length <= this.#maxTokens) return ids;
    const bare: number[] = tokenizer.encode(text, { add_special_tokens: false }).ids;
    const before = ids.findIndex((_, at) => bare.every((id, i) => ids[at + i] === id));
    if (before === -1) throw new Error('The tokenizer changes a text when it adds special tokens.');
    const after = ids.slice(before + bare.length);
    return [...ids.slice(0, before), ...bare.slice(0, this.#maxTokens - before - after.length), ...after];
  }

  /** Number of tokens of a text before truncation, without special tokens. */
  async count(text: string): Promise<number> {
    return (await this.#ready()).encode(text, { add_special_tokens: false }).ids.length;
  }

  /**
   * Id of a token of the vocabulary, special tokens included.
   * @throws {Error} if the tokenizer does not have it
   */
  async idOf(token: string): Promise<number> {
    const id = (await this.#ready()).token_to_id(token);
    if (id === undefined) throw new Error(`The tokenizer has no token "${token}", which the bundle names.`);
    return id;
  }

  #ready(): Promise<Tokenizer> {
    this.#tokenizer ??= this.#open().catch((error) => {
      this.#tokenizer = undefined;
      throw error;
    });
    return this.#tokenizer;
  }

  async #open(): Promise<Tokenizer> {
    const [files, { Tokenizer }] = await Promise.all([this.#files(), import('@huggingface/tokenizers')]);
    const [tokenizer, config] = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8'))));
    return new Tokenizer(tokenizer, config);
  }
}
