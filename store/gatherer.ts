// Work for Postgres that comes at once goes together: while one batch is under way the next gathers. Where several more
// will come within milliseconds, a batch waits for them, which saves Postgres most of its work; one alone never waits.

export interface Gatherer<Item> {
  /** `lieMs`: nobody waits for it, and it may lie so long for others to go with it. */
  add(item: Item, lieMs?: number): void;
}

export interface GathererOptions<Item> {
  /** Never rejects. */
  readonly flush: (items: readonly Item[]) => Promise<void>;
  readonly itemsMax: number;
  /** Whether there is anybody else to wait for; there may be unless told. */
  readonly areOthers?: () => boolean;
}

/** From the beginning of one batch to that of the next. */
const waitMs = 30;
/** Of the latest in the mean time between two items. */
const weight = 0.2;

/** Whether several items will come within a wait, when they come every so often. */
export function isWorthWaiting(gapMs: number): boolean {
  return gapMs * 2 < waitMs;
}

export function createGatherer<Item>(options: GathererOptions<Item>): Gatherer<Item> {
  const { flush, itemsMax, areOthers = () => true } = options;
  let items: Item[] = [];
  let flushing = false;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let addedAt = Number.NEGATIVE_INFINITY;
  let gapMs = waitMs;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = 0;

  const flushAll = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushing = true;
    const batch = items.slice(0, itemsMax);
    items = items.slice(itemsMax);
    flushedAt = performance.now();
    await flush(batch);
    flushing = false;
    if (items.length > 0) flushAt(nextAt());
  };

  const nextAt = (): number => flushedAt + (areOthers() && isWorthWaiting(gapMs) ? waitMs : 0);

  const flushAt = (at: number): void => {
    const now = performance.now();
    if (at <= now) return void flushAll();
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => void flushAll(), at - now);
  };

  return {
    add: (item, lieMs = 0) => {
      items.push(item);
      const now = performance.now();
      if (lieMs === 0) {
        gapMs += weight * (Math.min(now - addedAt, 2 * waitMs) - gapMs);
        addedAt = now;
      }
      if (!flushing) flushAt(Math.max(nextAt(), now + lieMs));
    },
  };
}

/** A function of one made of a function of many, whose answers are in the order of the requests. */
export function gatherCalls<Request, Answer>(
  callMany: (requests: readonly Request[]) => Promise<readonly Answer[]>,
  requestsMax = 100,
): (request: Request) => Promise<Answer> {
  interface Call {
    readonly request: Request;
    resolve(answer: Answer): void;
    reject(error: unknown): void;
  }
  const flush = async (calls: readonly Call[]): Promise<void> => {
    try {
      const answers = await callMany(calls.map(({ request }) => request));
      calls.forEach((call, index) => {
        call.resolve(answers[index] as Answer);
      });
    } catch (error) {
      // What is wrong with one of them spoils none of the others.
      if (calls.length > 1) for (const call of calls) await flush([call]);
      else for (const call of calls) call.reject(error);
    }
  };
  const gatherer = createGatherer({ flush, itemsMax: requestsMax });
  return (request) => new Promise((resolve, reject) => gatherer.add({ request, resolve, reject }));
}
