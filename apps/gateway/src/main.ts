import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { RedisStartError } from '@sluice/redis';
import { loadSettings, type Settings } from './config/settings';
import { Gateway } from './gateway';
import { GatewayModule } from './gateway.module';
import { createLogger, nestLogger } from './log';

/**
 * What asks the gateway to stop. Nest would also take the signals of a crash (SIGSEGV …), after
 * which nothing can be run any more: the process would neither work nor end.
 */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Exit status of a command line that was wrong, as most tools have it. */
const usageStatus = 2;

async function main(): Promise<void> {
  const loaded = loadSettings(process.env, process.argv.slice(2));
  if ('help' in loaded) return console.log(loaded.help);
  if ('version' in loaded) return console.log(loaded.version);
  if ('errors' in loaded) {
    for (const error of loaded.errors) console.error(error);
    console.error('All settings are listed by --help.');
    process.exitCode = usageStatus;
    return;
  }
  await run(loaded.settings, loaded.warnings);
}

async function run(settings: Settings, warnings: string[]): Promise<void> {
  const log = createLogger(settings);
  for (const warning of warnings) log.warn(warning);
  const app = await NestFactory.createApplicationContext(GatewayModule.of(settings, log), {
    logger: nestLogger(log),
  });
  app.enableShutdownHooks(stopSignals);
  try {
    const port = await app.get(Gateway).start();
    process.send?.({ type: 'ready', host: settings.host, port });
  } catch (error) {
    console.error(explain(error, settings));
    process.exitCode = 1;
    await app.close();
  }
}

/** What went wrong at the start, and what to do. */
function explain(error: unknown, { host, port }: Settings): string {
  if (error instanceof RedisStartError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use by another program. Choose one with --port or SLUICE_PORT.`;
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}; choose one above 1023.`;
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${host}; see --host.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// Whoever reads the lines may go first: a closed terminal, or `| tee` at Ctrl-C. Without a listener
// the next line would end the gateway in the middle of its work.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

void main();
