import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 25;

/** Asks until the answer is there. @throws Error that names the condition, after `withinMs`. */
export async function until<Answer>(
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  condition: string,
  withinMs = 20_000,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await pause(pollMs);
  }
}
