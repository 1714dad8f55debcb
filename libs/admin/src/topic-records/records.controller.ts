import { Body, Controller, Headers, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { recordLimits, type BrowseFrom, type Produced, type Telling } from '@sluice/broker';
import type { Request, Response } from 'express';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { kafkaProblemCode } from '../http/problem-of-error';
import { Problem } from '../http/problems';
import { ADMIN_PARTS } from '../tokens';
import { EventStream } from './event-stream';
import { BrowseQuery, ProduceBody, RecordsQuery } from './record.queries';
import { ProducedView, RecordPage, type ProducedRecordView } from './record.views';

/** Records: looked at, produced, followed. */
@Controller({ path: 'topics/:topic/records', version: '1' })
export class RecordsController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'Browse records',
    about:
      'A page from the start, the end, an offset or a time on, forward or backward, and ' +
      'from page ' +
      'to page by `newer` and `older`. With a filter a page looks at a bounded number of ' +
      'records, ' +
      'and may end before it is full: `stoppedBy` says so, and the cursor goes on.',
    answers: () => RecordPage,
    problems: ['unknown-topic', 'unknown-partition', 'unreadable-batch', 'redis-unavailable'],
  })
  async browseRecords(
    @Param('topic') topic: string,
    @Query() query: BrowseQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RecordPage> {
    const { partition, cursor, direction, limit: recordsMax = usual.records } = query;
    const asked = { topic, partition, cursor, direction, recordsMax };
    const from = fromOf(query);
    const request = { ...asked, from, filter: filterOf(query), telling: tellingOf(query) };
    return this.parts.broker.records.browse(request, goneSignal(response));
  }

  @Endpoint('POST', '', {
    role: 'write',
    summary: 'Produce records',
    about:
      'Answers 200 where all are stored, 202 with acks none, and 207 where some are and others ' +
      'are not: each has an offset or an error then. Where none is stored, the answer is the ' +
      'problem of the first, and `errors` names the records. A batch is stored whole or not at ' +
      'all: what a partition gets of one request is one batch, or more where that would be ' +
      'larger ' +
      'than `max.message.bytes`. With an `Idempotency-Key` the same request may be sent again: ' +
      'it is done once, and answered the same.',
    answers: () => ProducedView,
    problems: [
      'unknown-topic',
      'unknown-partition',
      'topic-deleted',
      'too-much-at-once',
      'record-too-large',
      'record-refused',
      'idempotency-key-reused',
      'redis-unavailable',
      'not-enough-replicas',
      'outcome-unknown',
    ],
    headers: {
      'Idempotency-Key':
        'Of your choice, new for each request: the same request with the same key is done once. ' +
        'It is remembered for 12 hours, for each topic.',
    },
  })
  async produceRecords(
    @Param('topic') topic: string,
    @Body() { records, acks = 'all', compression = 'none' }: ProduceBody,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ProducedView> {
    const request = { topic, records, acks, compression, idempotencyKey };
    const produced = await this.parts.broker.records.produce(request);
    if (produced.replayed) response.setHeader('Idempotency-Replayed', 'true');
    if (produced.records === null) {
      response.status(202);
      return { topic, records: null };
    }
    const views = produced.records.map(viewOf);
    const failed = views.filter(({ error }) => error !== undefined).length;
    if (failed === views.length) throw problemOfAll(views);
    if (failed > 0) response.status(207);
    return { topic, records: views };
  }

  @Endpoint('GET', 'tail', {
    role: 'read',
    summary: 'Follow records as they come',
    about:
      'Server-sent events, from the end on where nothing else is said: `record`, `position` ' +
      '(where ' +
      'the reader stands), `gap` (offsets that are not told, and why), `trouble` (Redis ' +
      'cannot be ' +
      'asked for the moment) and `end` (`stopped`, `topic-deleted`, `dropped`: its reader took ' +
      'nothing for 30 s, or `partition-needed`: the topic was given more partitions than are ' +
      'read together). A comment comes every 15 s in which nothing else does. Each event but ' +
      '`trouble` and `end` has an `id`; who sends the last one back as `Last-Event-ID` goes on ' +
      'behind it, as browsers do by themselves.',
    produces: 'text/event-stream',
    problems: ['unknown-topic', 'unknown-partition', 'unreadable-batch', 'redis-unavailable'],
    headers: { 'Last-Event-ID': 'The `id` of the last event that you have.' },
  })
  async tailRecords(
    @Param('topic') topic: string,
    @Query() query: RecordsQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const lastEventId = request.get('last-event-id');
    const { partition } = query;
    const asked = { topic, partition, from: fromOf(query), lastEventId };
    const wanted = { ...asked, filter: filterOf(query), telling: tellingOf(query) };
    const stream = new EventStream(response);
    const ending = AbortSignal.any([goneSignal(response), this.parts.door.stopping]);
    const tail = await this.parts.broker.records.tail(wanted, stream, ending);
    stream.begin();
    try {
      await tail.run();
    } finally {
      stream.end();
    }
  }
}

const usual = { records: recordLimits.browseRecordsUsual, bytes: recordLimits.toldBytesUsual };

function fromOf({ from, offset, timestampMs }: RecordsQuery): BrowseFrom | undefined {
  const given = [from, offset, timestampMs].filter((one) => one !== undefined);
  if (given.length > 1) {
    const message = 'only one of from, offset and timestampMs says where to begin';
    const errors = [{ field: '?from', message }];
    throw new Problem('invalid-request', 'Leave out the others.', { errors });
  }
  if (offset !== undefined) return { offset };
  return timestampMs === undefined ? from : { timestampMs };
}

function tellingOf(query: RecordsQuery): Telling {
  const { keys = 'auto', values = 'auto', headers = 'auto', bytesMax = usual.bytes } = query;
  return { keys, values, headers, bytesMax };
}

function filterOf(query: RecordsQuery) {
  const { keyEquals, keyContains, valueContains, contains, header } = query;
  const { jsonPointer, jsonEquals } = query;
  return { keyEquals, keyContains, valueContains, contains, header, jsonPointer, jsonEquals };
}

/** Aborted when nobody waits for the answer any more. */
function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (response.destroyed) gone.abort();
  return gone.signal;
}

function viewOf(record: NonNullable<Produced['records']>[number]): ProducedRecordView {
  if (!('error' in record)) return record;
  const { code: kafkaError, message: detail, retriable } = record.error;
  const code = kafkaProblemCode(kafkaError);
  return { partition: record.partition, error: { code, kafkaError, detail, retriable } };
}

/** The problem of a request of which nothing is stored, or may be. */
function problemOfAll(views: readonly ProducedRecordView[]): Problem {
  const errors = views.map(({ error }, index) => {
    return { field: `records[${index}]`, message: error!.detail };
  });
  // What may be stored is the first that a client has to know.
  const { error } = views.find((one) => one.error!.code === 'outcome-unknown') ?? views[0]!;
  const { kafkaError, detail, retriable } = error!;
  const facts = retriable ? { errors, retryAfterSeconds: 1 } : { errors };
  return new Problem(kafkaProblemCode(kafkaError), detail, facts);
}
