import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AdminDoor } from '@sluice/admin';
import { systemClock, systemRandom, type MetricsText } from '@sluice/base';
import type { BasePorts } from '@sluice/base/base.module';
import { Broker } from '@sluice/broker';
import { createLogger, KeptMetrics, nestLogger, runMain, runProgram } from '@sluice/process';
import { explainStart } from './explain';
import { GatewayModule } from './gateway.module';
import { loadGatewaySettings, type GatewaySettings } from './settings';

async function run(settings: GatewaySettings, warnings: readonly string[]): Promise<void> {
  const log = createLogger(settings);
  for (const warning of warnings) log.warn(warning);
  await runProgram({
    clock: systemClock,
    log,
    explain: (error) => explainStart(error, settings),
    start: async (lifecycle) => {
      const metrics = new KeptMetrics();
      const ports = { clock: systemClock, log, metrics, random: systemRandom, lifecycle };
      const app = await NestFactory.createApplicationContext(GatewayModule.of(settings, ports), {
        logger: nestLogger(log),
        // Nest would end the process, with all that is open.
        abortOnError: false,
      });
      const { port } = app.get(Broker);
      log.info('listening for Kafka clients', { host: settings.host, port });
      const adminPort = settings.admin ? app.get(AdminDoor).port : null;
      if (settings.admin) await openAdmin(app, settings, { ...ports, metricsText: metrics });
      // Whoever is told of it finds both doors open.
      process.send?.({ type: 'ready', host: settings.host, port, adminPort });
      return app;
    },
  });
}

/** HTTP is large, and no Kafka client waits for it: it is loaded when they are served already. */
async function openAdmin(
  app: INestApplicationContext,
  settings: GatewaySettings,
  ports: BasePorts & { metricsText: MetricsText },
): Promise<void> {
  const { openGatewayAdmin } = await import('./admin-app.js');
  await openGatewayAdmin(app, settings, ports);
}

void runMain(loadGatewaySettings(process.env, process.argv.slice(2)), run);
