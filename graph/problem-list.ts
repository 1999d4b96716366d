import type { Problem } from './errors.ts';
import { limits } from './limits.ts';

/** Gathers problems: those that will be shown, and how many more there are. */
export class ProblemList {
  readonly shown: Problem[] = [];
  /** Found beyond those that are shown. */
  unlisted = 0;

  get count(): number {
    return this.shown.length + this.unlisted;
  }

  /** `make` is called only where the problem will be shown: an input may have a million of them. */
  add(make: () => Problem): void {
    if (this.shown.length >= limits.problemsShown) this.unlisted += 1;
    else this.shown.push(shorten(make()));
  }
}

function shorten(problem: Problem): Problem {
  const { message } = problem;
  if (message.length <= limits.errorMessageChars) return problem;
  return { ...problem, message: `${message.slice(0, limits.errorMessageChars - 1)}…` };
}
