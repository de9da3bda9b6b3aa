import { z } from 'zod';
import type { Page } from '../database/page.ts';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;
/** Far past any end, and its offset still a whole number that every database takes. */
const MAX_PAGE = 1_000_000_000;

/** Query parameters of every list. */
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

/** Where a page lies in all results. One past the end is empty, and no error: SDKs read until a page is empty. */
export function pageBounds({ page, page_limit: limit }: PageQuery): Page {
  return { limit, offset: (page - 1) * limit };
}

export function describePage({ page, page_limit: limit }: PageQuery, total: number): z.infer<typeof pageInfo> {
  return { limit_per_page: limit, page, total_page: Math.ceil(total / limit), total_results: total };
}
