import { createProgress } from './progress.ts';
import type { StackReport } from './stack-report.ts';

const nameWidth = 10;

/** Tells of the stack on the console: one line for a step, its name first. */
export function consoleReport(out: NodeJS.WriteStream = process.stdout): StackReport {
  const progress = createProgress(out);
  const line = (name: string, text: string) => {
    progress.end();
    for (const [i, part] of text.split('\n').entries()) {
      out.write(`${(i === 0 ? name : '').padEnd(nameWidth)} ${part}\n`);
    }
  };
  return {
    step: (name, did, ms, detail) => line(name, `${did} in ${seconds(ms)}${detail ? `   ${detail}` : ''}`),
    note: line,
    progress: (name, text) => progress.update(`${name.padEnd(nameWidth)} ${text}`),
  };
}

/** A duration as people read it: 0.05 s, 1.2 s, 75 s. */
function seconds(ms: number): string {
  const value = ms / 1000;
  return `${value.toFixed(value < 0.1 ? 2 : value < 10 ? 1 : 0)} s`;
}
