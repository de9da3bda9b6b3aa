import { z } from 'zod';
import type { Page } from '../database/page.ts';

/** Default number of items per page. */
const DEFAULT_LIMIT = 10;
/** Maximum number of items per page. */
const MAX_LIMIT = 50;
/** Maximum page number. Beyond any real list, and its row offset is still a valid integer for every database. */
const MAX_PAGE = 1_000_000_000;

/** Query parameters of all lists. */
export const pageQuery = {
  page: z.coerce.number().int().min(1).max(MAX_PAGE).default(1).describe('page, from 1'),
  page_limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).describe('items of a page'),
};

export interface PageQuery {
  readonly page: number;
  readonly page_limit: number;
}

export const pageInfo = z
  .object({
    limit_per_page: z.int(),
    page: z.int(),
    total_page: z.int(),
    total_results: z.int(),
  })
  .meta({ title: 'PageInfo' });

/** Limit and offset of a page. A page past the end is empty and not an error, because SDKs read until an empty page. */
export function pageBounds({ page, page_limit: limit }: PageQuery): Page {
  return { limit, offset: (page - 1) * limit };
}

/** Page information of a list response. */
export function describePage({ page, page_limit: limit }: PageQuery, total: number): z.infer<typeof pageInfo> {
  return { limit_per_page: limit, page, total_page: Math.ceil(total / limit), total_results: total };
}
