import * as opentelemetry from '@opentelemetry/api';
import type { ConsumedRecord } from '@sluice/streams';
import type { CallEnd, HandlerCall } from '../handling/handler-call';
import { tracedCalls, type TracingApi } from './consumer-spans';

/** A span as it was told. */
interface ToldSpan {
  name: string;
  kind: number;
  parent: unknown;
  links: unknown;
  attributes: Record<string, unknown>;
  story: string[];
}

/** Remembers spans; a context is text here, and its span's context the same. */
function recordingApi() {
  const spans: ToldSpan[] = [];
  let active: unknown = 'root';
  const api: TracingApi = {
    context: {
      active: () => active,
      with(context, run) {
        active = context;
        const result = run();
        active = 'root';
        return result;
      },
    },
    propagation: {
      extract: (context, carrier, { get }) => get(carrier, 'traceparent') ?? context,
    },
    trace: {
      getTracer: () => ({
        startSpan(name, { kind, attributes, links }, parent) {
          const story: string[] = [];
          spans.push({ name, kind, parent, links, attributes, story });
          return {
            recordException: (error) => void story.push(`exception ${error.message}`),
            setStatus: ({ code }) => void story.push(`status ${code}`),
            end: () => void story.push('end'),
          };
        },
      }),
      getSpanContext: (context) => (context === 'root' ? undefined : context),
      setSpan: (parent) => `in a span of ${String(parent)}`,
    },
    SpanKind: opentelemetry.SpanKind,
    SpanStatusCode: opentelemetry.SpanStatusCode,
  };
  return { api, spans, activeNow: () => active };
}

const recordOf = (offset: number, traceparent?: string) =>
  ({
    topic: 'orders',
    offset,
    headers: traceparent ? [{ key: 'traceparent', value: Buffer.from(traceparent) }] : [],
  }) as unknown as ConsumedRecord;

const callOf = (records: ConsumedRecord[], isBatch = false) =>
  ({
    route: { policy: { isBatch } },
    attempt: { records, partition: { partition: 3, group: 'billing' } },
  }) as unknown as HandlerCall;

const run = () => Promise.resolve<CallEnd>({ kind: 'returned' });

describe('the spans of consumers', () => {
  it('are children of the one that the record came with, and active in the handler', async () => {
    const { api, spans, activeNow } = recordingApi();
    const seen: unknown[] = [];
    const seeing = () => {
      seen.push(activeNow());
      return run();
    };
    await tracedCalls(seeing, api)(callOf([recordOf(7, 'trace-1')]));
    expect(seen).toEqual(['in a span of trace-1']);
    expect(spans).toEqual([
      {
        name: 'process orders',
        kind: opentelemetry.SpanKind.CONSUMER,
        parent: 'trace-1',
        links: undefined,
        story: ['end'],
        attributes: expect.objectContaining({
          'messaging.consumer.group.name': 'billing',
          'messaging.kafka.offset': 7,
        }),
      },
    ]);
  });

  it('of batches are linked to those of the records', async () => {
    const { api, spans } = recordingApi();
    await tracedCalls(run, api)(callOf([recordOf(1, 'a'), recordOf(2), recordOf(3, 'c')], true));
    expect(spans[0]).toMatchObject({ parent: 'root', links: [{ context: 'a' }, { context: 'c' }] });
  });

  it('tell of failures', async () => {
    const { api, spans } = recordingApi();
    const error = new Error('no');
    const failing = () => Promise.resolve<CallEnd>({ kind: 'failed', error, told: error });
    await tracedCalls(failing, api)(callOf([recordOf(1)]));
    expect(spans[0]!.story).toEqual([
      'exception no',
      `status ${opentelemetry.SpanStatusCode.ERROR}`,
      'end',
    ]);
  });

  it('are not made without a tracer, but what a record came with is passed on', async () => {
    const { api, spans, activeNow } = recordingApi();
    let delegate: unknown;
    api.trace.getTracerProvider = () => ({ getDelegateTracer: () => delegate });
    const seen: unknown[] = [];
    const seeing = () => {
      seen.push(activeNow());
      return run();
    };
    const traced = tracedCalls(seeing, api);
    await traced(callOf([recordOf(7, 'trace-1')]));
    await traced(callOf([recordOf(8)]));
    await traced(callOf([recordOf(9, 'trace-2')], true));
    expect([seen, spans]).toEqual([['trace-1', 'root', 'root'], []]);
    // One that is installed later is used from then on.
    delegate = {};
    await traced(callOf([recordOf(10, 'trace-3')]));
    expect(seen.at(-1)).toBe('in a span of trace-3');
    expect(spans).toHaveLength(1);
  });

  it('take the real @opentelemetry/api, and nothing at all', async () => {
    expect(tracedCalls(run, null)).toBe(run);
    const real = opentelemetry as unknown as TracingApi;
    expect(await tracedCalls(run, real)(callOf([recordOf(1)]))).toEqual({ kind: 'returned' });
  });
});
