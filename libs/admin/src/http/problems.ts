import { adminLimits } from '../limits';

/**
 * Every problem that an endpoint can answer (RFC 9457): a code that stays, the status, and a title.
 * The `type` of a problem document is `urn:sluice:problem:` and the code.
 */
export const problemKinds = {
  'invalid-request': [400, 'The request is not valid'],
  'invalid-http': [400, 'The request is not HTTP'],
  'invalid-json': [400, 'The body is not JSON'],
  'invalid-topic': [400, 'No topic can have this name'],
  'invalid-partitions': [400, 'No topic can have this number of partitions'],
  'invalid-config': [400, 'The topic configs are not valid'],
  'key-missing': [401, 'An API key is needed'],
  'key-unknown': [401, 'The API key is not known'],
  'role-too-low': [403, 'The API key does not allow this'],
  'foreign-origin': [403, 'The request comes from another site'],
  'unknown-route': [404, 'There is nothing at this address'],
  'unknown-topic': [404, 'There is no such topic'],
  'unknown-partition': [404, 'There is no such partition'],
  'unknown-group': [404, 'There is no such group'],
  'unknown-run': [404, 'There is no such run'],
  'unknown-broker': [404, 'There is no such broker'],
  'no-metrics': [404, 'There are no metrics'],
  'method-not-allowed': [405, 'This address does not have this method'],
  'not-acceptable': [406, 'There is no answer of this media type'],
  'request-timed-out': [408, 'The request took too long to come'],
  'run-not-failed': [409, 'The run has not failed for good'],
  'topic-exists': [409, 'There is a topic of this name'],
  'topic-deleted': [409, 'The topic was deleted meanwhile'],
  'group-has-members': [409, 'The group has members'],
  'unreadable-group': [409, 'What is stored of the group cannot be read'],
  'unreadable-batch': [409, 'A batch cannot be read'],
  'offset-out-of-range': [409, 'The offset is not in the log'],
  'changed-meanwhile': [412, 'It was changed meanwhile'],
  'body-too-large': [413, 'The body is too large'],
  'too-much-at-once': [413, 'The request asks for too much at once'],
  'record-too-large': [413, 'A record is larger than its topic allows'],
  'unsupported-media-type': [415, 'The body is not of the media type that is needed'],
  'unsupported-encoding': [415, 'The body is encoded in a way that is not known'],
  'other-broker': [421, 'Another broker has to be asked'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was used for another request'],
  'record-refused': [422, 'A record breaks a rule of its topic'],
  'if-match-needed': [428, 'The change must say what it is based on'],
  'too-many-requests': [429, 'There are too many requests'],
  'head-too-large': [431, 'Address and headers are too large'],
  'internal-error': [500, 'The gateway has made a mistake'],
  'redis-unavailable': [503, 'Redis is not available'],
  starting: [503, 'The gateway is starting'],
  stopping: [503, 'The gateway is stopping'],
  overloaded: [503, 'The gateway has too much to do'],
  'not-enough-replicas': [503, 'Too few replicas of Redis are connected'],
  'outcome-unknown': [504, 'It is not known whether the change was made'],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>;

/** The code of a problem. */
export type ProblemCode = keyof typeof problemKinds;

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Where it is: `configs.retention.ms`, `?limit`. */
  field: string;
  message: string;
}

/** What a problem tells beyond its kind. */
export interface ProblemFacts {
  /** The fields that are wrong. */
  errors?: readonly FieldError[];
  /** When to try again, in seconds. */
  retryAfterSeconds?: number;
  /** Further headers of the response. */
  headers?: Readonly<Record<string, string | string[]>>;
  cause?: unknown;
}

/** Thrown where an endpoint cannot do what it was asked; `detail` says why, and what to do. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly facts: ProblemFacts = {},
  ) {
    super(detail, { cause: facts.cause });
  }

  get status(): number {
    return problemKinds[this.code][0];
  }
}

/** A problem as it is sent. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The id of the request, which the log has too. */
  instance: string;
  errors?: readonly FieldError[];
}

/** Media type of problem documents. */
export const problemMediaType = 'application/problem+json';

/** The document and the headers of a problem. */
export function problemResponse(
  problem: Problem,
  requestId: string,
): { status: number; headers: Record<string, string | string[]>; document: ProblemDocument } {
  const { code, detail, facts } = problem;
  const [status, title] = problemKinds[code];
  const { errors, retryAfterSeconds, headers } = facts;
  const isLong = detail.length > adminLimits.detailCharsMax;
  const document: ProblemDocument = {
    type: `urn:sluice:problem:${code}`,
    title,
    status,
    detail: isLong ? `${detail.slice(0, adminLimits.detailCharsMax)}…` : detail,
    instance: `urn:sluice:request:${requestId}`,
  };
  if (errors) document.errors = errors.slice(0, adminLimits.fieldErrorsMax);
  const all: Record<string, string | string[]> = {
    'Content-Type': `${problemMediaType}; charset=utf-8`,
    'Cache-Control': 'no-store',
    ...headers,
  };
  if (retryAfterSeconds !== undefined) all['Retry-After'] = String(retryAfterSeconds);
  return { status, headers: all, document };
}
