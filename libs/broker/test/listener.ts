import { MemoryBudget, silentMetrics, type LogFields, type Logger } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { ConnectionServices } from '../src/listener/connection';
import { FramePool } from '../src/listener/frame-pool';
import { Listener } from '../src/listener/listener';
import { RequestMemory } from '../src/listener/request-memory';
import { Interceptions } from '../src/requests/interceptions';
import { RequestMeter } from '../src/requests/request-meter';
import { defaultBrokerOptions, type BrokerOptions } from '../src/options';

/** The listener by itself, for handlers that need nothing of the broker. */
export interface TestListener {
  readonly port: number;
  readonly listener: Listener;
  readonly clock: FakeClock;
  readonly requestMemory: RequestMemory;
  readonly fetchBudget: MemoryBudget;
  readonly interceptions: Interceptions;
  /** Warnings and errors of the log: why connections were closed, and the like. */
  readonly warnings: string[];
  readonly lines: LogLine[];
}

/** A line of the log. */
export interface LogLine {
  level: keyof Logger;
  message: string;
  fields?: LogFields;
}

/** Listens on a free port of 127.0.0.1; its clock stands still until the test moves it. */
export async function listen(
  options: Partial<BrokerOptions> & { fetchBytesMax?: number } = {},
): Promise<TestListener> {
  const { fetchBytesMax = 64 * 1024 * 1024, ...rest } = options;
  const clock = new FakeClock();
  const warnings: string[] = [];
  const lines: LogLine[] = [];
  const write = (level: keyof Logger) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields });
    if (level === 'warn' || level === 'error') warnings.push(message);
  };
  const all = { ...defaultBrokerOptions, ...rest };
  const requestMemory = new RequestMemory(all.inFlightBytesMax);
  const fetchBudget = new MemoryBudget(fetchBytesMax);
  const interceptions = new Interceptions();
  const services = {
    options: all,
    clock,
    requestMemory,
    fetchBudget,
    framePool: new FramePool(),
    interceptions,
    metrics: silentMetrics,
    requestMeter: new RequestMeter(silentMetrics),
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  };
  // The handlers of these tests use nothing else.
  const listener = new Listener(services as unknown as ConnectionServices);
  const port = await listener.listen('127.0.0.1', 0);
  listener.serve();
  return { port, listener, clock, requestMemory, fetchBudget, interceptions, warnings, lines };
}
