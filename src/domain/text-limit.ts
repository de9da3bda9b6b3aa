/** Limit of a text query, in tokens of the model's tokenizer, or in words where there is none. */
export interface TextLimit {
  readonly maxTokens: number;
  /** Shortens a longer text instead of refusing it. */
  readonly truncate: boolean;
}

/** Limit of marengo3.0, which applies unless a request has another. Source: the API's documentation. */
export const DEFAULT_TEXT_LIMIT: TextLimit = { maxTokens: 500, truncate: false };
