export interface Progress {
  /** How far a slow step is: overwrites itself in a terminal, else a line every ten seconds. */
  update(text: string): void;
  /** Ends the line that overwrites itself, before another one is written. */
  end(): void;
}

const quietMs = 10_000;

/** Shows the progress of slow steps, with the time since it was made. */
export function createProgress(out: NodeJS.WriteStream): Progress {
  const begun = performance.now();
  let open = false;
  let lastLine = begun;
  return {
    update: (text) => {
      const timed = `${text}, ${Math.round((performance.now() - begun) / 1000)} s`;
      if (out.isTTY) {
        out.write(`\r${timed}\u001b[K`);
        open = true;
      } else if (performance.now() - lastLine > quietMs) {
        lastLine = performance.now();
        out.write(`${timed}\n`);
      }
    },
    end: () => {
      if (open) out.write('\n');
      open = false;
    },
  };
}
