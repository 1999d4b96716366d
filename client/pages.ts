import type { Page } from '../graph/resources.ts';

/** Which page of a list, and how long. */
export interface PageOptions {
  /** 1 to 500; 50 unless told. */
  readonly limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** Walks all items of a list, page after page. Items that are added meanwhile may or may not be seen. */
export async function* walkPages<Item>(
  readPage: (cursor: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await readPage(cursor);
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
