import { z } from 'zod';
import { jobKeyPattern } from '../graph/names.ts';

/** The name of a dataset in a config. */
export const datasetSchema = z
  .string()
  .regex(jobKeyPattern, 'expected a dataset: a lower-case letter, then up to 62 of a-z, 0-9 and _');

/** The columns of a table in an output. */
export const columnsSchema = z.array(z.strictObject({ name: z.string(), type: z.string() }));
