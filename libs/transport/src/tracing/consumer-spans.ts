import type { ConsumedRecord } from '@sluice/streams';
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

/** What is used of @opentelemetry/api; it need not be installed. */
export interface TracingApi {
  context: { active(): unknown; with<T>(context: unknown, run: () => T): T };
  propagation: { extract(context: unknown, carrier: Record<string, string>): unknown };
  trace: {
    getTracer(name: string): {
      startSpan(name: string, options: SpanOptions, context: unknown): Span;
    };
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
  return (call) => tracedCall(api, call, run);
}

async function tracedCall(api: TracingApi, call: HandlerCall, run: RunCall): Promise<CallEnd> {
  const { context, propagation, trace, SpanKind, SpanStatusCode } = api;
  const { records, partition } = call.attempt;
  const { topic, offset } = records[0]!;
  const parents = records.map((record) => propagation.extract(context.active(), carrierOf(record)));
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
  const span = trace.getTracer('@sluice/transport').startSpan(`process ${topic}`, options, parent);
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

function carrierOf({ headers }: ConsumedRecord): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString() ?? '']));
}
