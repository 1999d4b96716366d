import { CodedError, defineJobKind, RetryLater } from 'graphrun';
import { z } from 'zod';

const answerSchema = z.array(z.object({ day: z.iso.date(), rate: z.number() }));
const columns = [
  { name: 'day', type: 'date' },
  { name: 'rate', type: 'numeric' },
];

/** Loads the rates that a service gives as JSON into the dataset of the job's name. */
export const rates = defineJobKind({
  kind: 'rates',
  config: z.strictObject({ url: z.url() }),
  output: z.strictObject({ rows: z.int() }),
  writesWarehouse: true,
  inputs: () => [],
  outputs: (_config, jobKey) => [jobKey],

  async run(ctx, { url }) {
    const answer = await fetch(url, { signal: ctx.signal });
    if (answer.status === 404)
      throw new CodedError('JOB_CONFIG_INVALID', `there is nothing at ${url}: mend "url"`);
    if (answer.status === 429) {
      const seconds = Number(answer.headers.get('retry-after') ?? 60);
      throw new RetryLater(`${url} asks to wait`, { retryAfterMs: seconds * 1_000 });
    }
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    const list = answerSchema.parse(await answer.json());
    ctx.log.info('rates were read', { url, rates: list.length });

    const table = await ctx.warehouse.stage(ctx.job);
    await table.create(columns);
    await table.query(
      `insert into ${table.table} select * from jsonb_to_recordset($1) as rate (day date, rate numeric)`,
      [JSON.stringify(list)],
    );
    return { rows: list.length };
  },
});
