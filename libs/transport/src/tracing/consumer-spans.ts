import type { ConsumedRecord } from '@sluice/streams';
import { headerText } from '../context/stream-context';
import type { CallEnd, HandlerCall } from '../handling/handler-call';
import { optionalPackage } from '../optional-package';

/** What is used of a span of @opentelemetry/api. */
interface Span {
  recordException(error: Error): void;
  setStatus(status: { code: number; message?: string }): void;
  end(): void;
}

interface SpanOptions {
  kind: number;
  attributes: Record<string, string | number>;
  links?: { context: unknown }[];
}

/** How a propagator reads what a record came with. */
interface Getter<Carrier> {
  keys(carrier: Carrier): string[];
  get(carrier: Carrier, key: string): string | undefined;
}

interface Tracer {
  startSpan(name: string, options: SpanOptions, context: unknown): Span;
}

/** What is used of @opentelemetry/api; it need not be installed. */
export interface TracingApi {
  context: { active(): unknown; with<T>(context: unknown, run: () => T): T };
  propagation: {
    extract<Carrier>(context: unknown, carrier: Carrier, getter: Getter<Carrier>): unknown;
  };
  trace: {
    getTracer(name: string): Tracer;
    /** Since 1.0 it stands for the one that is installed, and says whether there is one. */
    getTracerProvider?(): { getDelegateTracer?(name: string): unknown };
    getSpanContext(context: unknown): unknown;
    setSpan(context: unknown, span: Span): unknown;
  };
  SpanKind: { CONSUMER: number };
  SpanStatusCode: { ERROR: number };
}

/** Runs a handler's call. */
export type RunCall = (call: HandlerCall) => Promise<CallEnd>;

/**
 * Puts a span around every call of a handler, as a child of the one that its record was written in;
 * a batch is linked to those of its records. Without @opentelemetry/api it returns what it got.
 */
export function tracedCalls(
  run: RunCall,
  api: TracingApi | null = optionalPackage(() => require('@opentelemetry/api')),
): RunCall {
  if (api === null) return run;
  // It goes over to whatever is installed later by itself.
  const tracer = api.trace.getTracer(tracerName);
  let isInstalled = false;
  return (call) => {
    isInstalled ||= hasTracer(api);
    return isInstalled ? tracedCall(api, tracer, call, run) : passedCall(api, call, run);
  };
}

const tracerName = '@sluice/transport';

function hasTracer({ trace }: TracingApi): boolean {
  const provider = trace.getTracerProvider?.();
  if (provider?.getDelegateTracer === undefined) return true;
  return provider.getDelegateTracer(tracerName) !== undefined;
}

/** Without a tracer: the handler runs in the context that its record came with, if with one. */
function passedCall(
  { context, propagation }: TracingApi,
  call: HandlerCall,
  run: RunCall,
): Promise<CallEnd> {
  const [record] = call.attempt.records;
  const active = context.active();
  if (call.route.policy.isBatch) return run(call);
  const parent = propagation.extract(active, record!.headers, headersGetter);
  return parent === active ? run(call) : context.with(parent, () => run(call));
}

async function tracedCall(
  api: TracingApi,
  tracer: Tracer,
  call: HandlerCall,
  run: RunCall,
): Promise<CallEnd> {
  const { context, propagation, trace, SpanKind, SpanStatusCode } = api;
  const { records, partition } = call.attempt;
  const { topic, offset } = records[0]!;
  const parents = records.map(({ headers }) =>
    propagation.extract(context.active(), headers, headersGetter),
  );
  const isBatch = call.route.policy.isBatch;
  const parent = isBatch ? context.active() : parents[0];
  const links = isBatch ? linksTo(api, parents) : undefined;
  const attributes = {
    'messaging.system': 'sluice',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition.partition),
    'messaging.consumer.group.name': partition.group,
    ...(isBatch
      ? { 'messaging.batch.message_count': records.length }
      : { 'messaging.kafka.offset': offset }),
  };
  const options = { kind: SpanKind.CONSUMER, attributes, ...(links && { links }) };
  const span = tracer.startSpan(`process ${topic}`, options, parent);
  try {
    const end = await context.with(trace.setSpan(parent, span), () => run(call));
    if (end.kind === 'failed') {
      const error = end.error instanceof Error ? end.error : new Error(String(end.error));
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
    return end;
  } finally {
    span.end();
  }
}

function linksTo({ trace }: TracingApi, parents: readonly unknown[]): { context: unknown }[] {
  return parents.flatMap((parent) => {
    const context = trace.getSpanContext(parent);
    return context === undefined ? [] : [{ context }];
  });
}

/** Only what a propagator asks for is made text. */
const headersGetter: Getter<ConsumedRecord['headers']> = {
  keys: (headers) => headers.map(({ key }) => key),
  get: headerText,
};
