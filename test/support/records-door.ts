import type { BrowseRequest, RecordsDoor, TailEvent, TailReader, Telling } from '@sluice/broker';
import type { BrowsedPage, GivenRecord, Produced, ProduceRequest } from '@sluice/broker';

/** Nothing is cut, and each field is told as it is. */
export const usualTelling: Telling = {
  keys: 'auto',
  values: 'auto',
  headers: 'auto',
  bytesMax: 64 * 1024,
};

/** A page with usual settings where nothing else is asked for. */
export function browsePage(
  door: RecordsDoor,
  topic: string,
  request: Partial<BrowseRequest> = {},
): Promise<BrowsedPage> {
  const usual = { topic, recordsMax: 100, filter: {}, telling: usualTelling };
  return door.browse({ ...usual, ...request }, new AbortController().signal);
}

/** All records from a page on, by its cursors, as often as it takes. */
export async function browseAll(
  door: RecordsDoor,
  topic: string,
  request: Partial<BrowseRequest> = {},
): Promise<BrowsedPage['records']> {
  const isForward = (request.direction ?? 'forward') === 'forward';
  const records: BrowsedPage['records'] = [];
  let page = await browsePage(door, topic, request);
  for (;;) {
    records.push(...page.records);
    if (page.atEnd) return records;
    page = await browsePage(door, topic, {
      ...request,
      cursor: isForward ? page.newer : page.older,
    });
  }
}

/** Produces with acks of the leader, uncompressed, unless told otherwise. */
export function produceTo(
  door: RecordsDoor,
  topic: string,
  records: readonly GivenRecord[],
  request: Partial<ProduceRequest> = {},
): Promise<Produced> {
  return door.produce({ topic, records, acks: 'leader', compression: 'none', ...request });
}

/** A reader of a tail that keeps what it is told; it can stop taking anything. */
export class KeptTail implements TailReader {
  readonly events: TailEvent[] = [];
  heartbeats = 0;
  /** Whether it takes what it is sent. */
  takes = true;

  get records() {
    return this.events.flatMap((one) => (one.event === 'record' ? [one.data] : []));
  }

  get end(): string | null {
    const last = this.events.at(-1);
    return last?.event === 'end' ? last.data.reason : null;
  }

  send(event: TailEvent): boolean {
    this.events.push(event);
    return this.takes;
  }

  heartbeat(): boolean {
    this.heartbeats++;
    return this.takes;
  }

  drained(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }
}
