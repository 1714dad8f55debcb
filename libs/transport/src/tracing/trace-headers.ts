/** What is used of @opentelemetry/api; it need not be installed. */
interface TraceApi {
  context: { active(): unknown };
  propagation: { inject(context: unknown, carrier: Record<string, string>): void };
}

let api: TraceApi | null | undefined;

function traceApi(): TraceApi | null {
  if (api === undefined) {
    try {
      api = require('@opentelemetry/api') as TraceApi;
    } catch {
      api = null;
    }
  }
  return api;
}

/**
 * The headers that carry the trace of the caller, as the installed propagator names them: with
 * OpenTelemetry's default `traceparent`, `tracestate` and `baggage`. None where @opentelemetry/api
 * is not installed or nothing is traced.
 */
export function traceHeaders(): Readonly<Record<string, string>> {
  const installed = traceApi();
  if (installed === null) return noHeaders;
  const carrier: Record<string, string> = {};
  installed.propagation.inject(installed.context.active(), carrier);
  return carrier;
}

const noHeaders: Readonly<Record<string, string>> = {};
