import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second. */
const msPerTick = 10;

/** CPU time of a process and its children, the ended ones too, in milliseconds; NaN where the system does not tell. */
export function serverCpuMs(pid: number): number {
  const own = readStat(pid);
  if (!own) return Number.NaN;
  let ticks = own.ticks + own.ticksOfEnded;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat?.parent === pid) ticks += stat.ticks;
  }
  return ticks * msPerTick;
}

function readStat(pid: number): { parent: number; ticks: number; ticksOfEnded: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command, in parentheses, may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const at = (index: number) => Number(fields[index]);
    return { parent: at(1), ticks: at(11) + at(12), ticksOfEnded: at(13) + at(14) };
  } catch {
    return undefined;
  }
}
