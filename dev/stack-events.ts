import { describeExit } from './service.ts';
import type { StackReport } from './stack-report.ts';
import type { SupervisorEvents } from './supervisor.ts';

/** Tells of services that end and come back; `refresh` runs when one has a new process. */
export function supervisorEvents(report: StackReport, refresh: () => void): SupervisorEvents {
  return {
    ended: (service, exit, delayMs) => {
      const again = `starting it again in ${seconds(delayMs)}`;
      report.note(
        service.name,
        `process ${service.pid} ended with ${describeExit(exit)}; ${again} (${service.logFile})`,
      );
    },
    startFailed: (name, error, delayMs) => {
      const reason = error instanceof Error ? error.message : String(error);
      report.note(name, `${reason}\nnext try in ${seconds(delayMs)}`);
    },
    restarted: (service, ms) => {
      refresh();
      report.step(service.name, 'ready again', ms, `process ${service.pid}`);
    },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 1000 ? 2 : 0)} s`;
}
