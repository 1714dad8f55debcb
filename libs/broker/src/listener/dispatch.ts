import {
  ApiVersions,
  decodeRequest,
  encodeResponse,
  isServed,
  readRequestHeader,
} from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { unsupportedVersionResponse } from '../handlers/18-api-versions';
import { CloseConnection } from '../requests/close-connection';
import type { Interceptions, KeyInterceptions } from '../requests/interceptions';
import type { ApiMeter, RequestMeter } from '../requests/request-meter';
import { type Handler, handlerOf, noReply } from '../requests/handler';

/**
 * A frame whose header was read and whose handler is known; the body is decoded when its turn
 * comes.
 */
export interface ParsedRequest {
  frame: Buffer;
  frameBytes: number;
  bodyAt: number;
  handler: Handler;
  /** What a test wants done to it; null but in tests. */
  interceptions: KeyInterceptions | null;
  /** Whether it may run while earlier ones of the connection do. */
  pipelined: boolean;
  apiVersion: number;
  correlationId: number;
  clientId: string;
  /** Where it is measured, and since when it is there whole. */
  meter: ApiMeter;
  arrivedMs: number;
}

/** What reading a request's header needs. */
export interface RequestSources {
  readonly interceptions: Interceptions;
  readonly requestMeter: RequestMeter;
}

/**
 * Reads a request's header. An unknown key or version ends the connection, as in Kafka, which has
 * no general error reply; ApiVersions alone answers whatever its version is, so that clients can
 * step down.
 */
export function parseRequest(
  frame: Buffer,
  { interceptions: all, requestMeter }: RequestSources,
  arrivedMs: number,
): ParsedRequest {
  const header = readRequestHeader(frame);
  const handler = handlerOf(header.apiKey);
  if (!handler) throw new CloseConnection('unknown API key', { apiKey: header.apiKey });
  const { name, versions } = handler.api;
  const { apiVersion } = header;
  if (!isServed(handler.api, apiVersion) && handler.api.key !== ApiVersions.key) {
    throw new CloseConnection('version of an API that is not served', {
      api: name,
      version: apiVersion,
      served: `${versions.min} to ${versions.max}`,
    });
  }
  const interceptions = all.of(header.apiKey);
  return {
    frame,
    frameBytes: frame.length,
    bodyAt: header.bodyAt,
    handler,
    interceptions,
    pipelined: handler.pipelined && interceptions === null,
    apiVersion,
    correlationId: header.correlationId,
    clientId: header.clientId ?? '',
    meter: requestMeter.of(handler.api),
    arrivedMs,
  };
}

/**
 * Runs a request's handler; the part of it before its first await has run when this returns. Throws
 * MalformedError for a bad body. What comes back is for `encodeAnswer`.
 */
export function runRequest(request: ParsedRequest, context: RequestContext): unknown {
  const { handler, apiVersion } = request;
  if (!isServed(handler.api, apiVersion)) return unsupportedVersionResponse();
  const body = decodeRequest(handler.api, apiVersion, request.frame, request.bodyAt);
  if (request.interceptions === null) return handler.run(context, body);
  return request.interceptions.apply(context, body, () => handler.run(context, body));
}

/** The reply's bytes, or null when the client expects none. */
export function encodeAnswer(request: ParsedRequest, answer: unknown): Buffer[] | null {
  if (answer === noReply) return null;
  const { api } = request.handler;
  // Only ApiVersions comes this far in a version that is not served; it is answered in v0's form.
  const version = isServed(api, request.apiVersion) ? request.apiVersion : 0;
  const response = answer as Parameters<typeof encodeResponse>[3];
  return encodeResponse(api, version, request.correlationId, response, request.meter.failed);
}
