import { request, type IncomingHttpHeaders } from 'node:http';

/** What a test asks an endpoint. */
export interface Question {
  method?: string;
  /** Sent as JSON; a text or bytes as they are. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** What is answered. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Every line of a header that may come more than once, in their order. */
  lines(header: string): string[];
  text: string;
  /** The body where it is JSON. */
  json: Record<string, unknown>;
}

/** Asks an admin endpoint; any status is an answer. */
export function ask(base: string, path: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', body, headers = {} } = question;
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
  const own = bytes === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${base}${path}`, { method, headers: { ...own, ...headers } });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode = 0, headers: received } = response;
        const isJson = /json/.test(received['content-type'] ?? '') && text !== '';
        const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
        const lines = (name: string) => response.headersDistinct[name] ?? [];
        resolve({ status: statusCode, headers: received, lines, text, json });
      });
    });
    sent.end(bytes);
  });
}

/** The code of a problem document; throws where the answer is none, or not a whole one. */
export function problemIn({ headers, json, status }: Answer): string {
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(json).toMatchObject({
    type: expect.stringMatching(/^urn:sluice:problem:[\w-]+$/),
    title: expect.any(String),
    detail: expect.stringMatching(/.+/),
    instance: expect.stringMatching(/^urn:sluice:request:.+/),
    status,
  });
  return String(json.type).replace('urn:sluice:problem:', '');
}
