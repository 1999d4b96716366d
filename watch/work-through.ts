/** Failures in a row that are not about the items any more: the server that all of them ask is away. */
const failuresInARowMax = 10;

export interface WorkThrough<Item> {
  readonly items: readonly Item[];
  readonly atOnce: number;
  /** Takes no more items once it is aborted. */
  readonly signal: AbortSignal;
  readonly work: (item: Item) => Promise<void>;
  /** One that fails must not hold up those behind it. */
  readonly onError: (error: unknown, item: Item) => void;
}

/** Works on items, so many at once. @throws the last error when nothing but errors came for a while */
export async function workThrough<Item>(options: WorkThrough<Item>): Promise<void> {
  const { items, atOnce, signal, work, onError } = options;
  let next = 0;
  let failures = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const item = items[next] as Item;
      next += 1;
      try {
        await work(item);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        onError(error, item);
        if (failures >= failuresInARowMax) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
