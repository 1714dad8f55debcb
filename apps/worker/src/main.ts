import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AdminDoor, AdminListenError } from '@sluice/admin';
import { systemClock, systemRandom } from '@sluice/base';
import {
  createLogger,
  explainAdminListen,
  KeptMetrics,
  nestLogger,
  runMain,
  runProgram,
} from '@sluice/process';
import { explainRedisStart } from '@sluice/redis';
import { loadWorkerSettings, type WorkerSettings } from './settings';
import { WorkerModule } from './worker.module';

async function run(settings: WorkerSettings, warnings: readonly string[]): Promise<void> {
  const log = createLogger(settings);
  for (const warning of warnings) log.warn(warning);
  await runProgram({
    clock: systemClock,
    log,
    explain,
    start: async (lifecycle) => {
      const metrics = new KeptMetrics();
      const ports = { clock: systemClock, random: systemRandom, metrics, log, lifecycle };
      const module = WorkerModule.of(settings, ports);
      const app = await NestFactory.createApplicationContext(module, {
        logger: nestLogger(log),
        // Nest would end the process, with all that is open.
        abortOnError: false,
      });
      log.info('the retention worker is ready');
      const door = settings.admin ? app.get(AdminDoor) : null;
      process.send?.({ type: 'ready', adminPort: door?.port ?? null });
      if (door !== null) {
        // HTTP is large, and nothing waits for it.
        const { openWorkerHealth } = await import('./health-app.js');
        await openWorkerHealth(app, settings, { ...ports, metricsText: metrics });
      }
      return app;
    },
  });
}

function explain(error: unknown): string {
  if (error instanceof AdminListenError) {
    const why = explainAdminListen(error.cause, error.address);
    if (why !== undefined) return why;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return explainRedisStart(error) ?? text;
}

void runMain(loadWorkerSettings(process.env, process.argv.slice(2)), run);
