import type { ProducerSettings, RecordProducer, RecordToSend, SentRecord } from '@sluice/streams';
import type { ClientDriver } from '../src/client/client-options';
import type { ReplyFrame, ReplyInbox } from '../src/driver';

/** A driver whose records go nowhere, and whose answers come when a test says so. */
export class FakeDriver implements ClientDriver {
  readonly sent: RecordToSend[] = [];
  /** What the next `connect` waits for, or fails with. */
  connecting: () => Promise<void> = () => Promise.resolve();
  /** What becomes of a record. */
  outcome: (record: RecordToSend) => Promise<SentRecord> = (record) =>
    Promise.resolve({ topic: record.topic, partition: 0, offset: 0, timestampMs: 0 });
  connects = 0;
  inboxes = 0;
  isClosed = false;
  isInboxOpen = false;
  settings: ProducerSettings | undefined;
  #onFrame: (frame: ReplyFrame) => void = () => undefined;
  lose: (reason: string) => void = () => undefined;

  connect(): Promise<void> {
    this.connects++;
    return this.connecting();
  }

  createProducer(settings?: ProducerSettings): RecordProducer {
    this.settings = settings;
    const send = (record: RecordToSend): Promise<SentRecord> => {
      this.sent.push(record);
      return this.outcome(record);
    };
    const sending = new Set<Promise<unknown>>();
    const sendOne = (record: RecordToSend): Promise<SentRecord> => {
      const sent = send(record);
      sending.add(sent);
      return sent;
    };
    const flush = async (): Promise<void> => void (await Promise.allSettled(sending));
    return {
      send: sendOne,
      sendAll: (records) => Promise.all(records.map(sendOne)),
      flush,
      close: flush,
    };
  }

  openInbox(
    onFrame: (frame: ReplyFrame) => void,
    onLost: (reason: string) => void = () => undefined,
  ): Promise<ReplyInbox> {
    this.inboxes++;
    this.#onFrame = onFrame;
    this.lose = onLost;
    this.isInboxOpen = true;
    const close = async (): Promise<void> => void (this.isInboxOpen = false);
    return Promise.resolve({ address: 'inbox-1', close });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  /** An answer comes in; what is left out is not in it. */
  answer(correlationId: string, { value, error, isLast = false, number }: Answer): void {
    this.#onFrame({ correlationId, value: bytes(value), error: bytes(error), isLast, number });
  }

  /** A header of the n-th record that was sent, as text. */
  header(at: number, name: string): string | undefined {
    return this.sent[at]?.headers?.find(({ key }) => key === name)?.value?.toString();
  }
}

function bytes(one: unknown): Buffer | null {
  return one === undefined ? null : Buffer.from(JSON.stringify(one));
}

interface Answer {
  value?: unknown;
  error?: unknown;
  isLast?: boolean;
  number?: number;
}
