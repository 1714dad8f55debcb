import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel';
import {
  connectionsApiChannel,
  consumerFetchesChannel,
  consumerReceivesChannel,
  type Consumer,
} from '@platformatic/kafka';
import type { Address } from '../../support/home';
import type { Asked } from '../history/operation';

const fetchKey = 1;

/** What brought a message. */
export interface Bringing {
  asked: Asked;
  begunMs: number;
  /** Where the answer came from; null where that is not known. */
  address: Address | null;
}

interface OfFetch {
  client: unknown;
  options: { topics: { partitions: { partition: number; fetchOffset: bigint }[] }[] };
  result?: {
    responses: { partitions: { partitionIndex: number; records?: { records: object[] }[] }[] }[];
  };
}

interface OfMessage {
  client: unknown;
  raw: object;
  result?: object;
}

interface OfRequest {
  connection: Partial<Address>;
  apiKey: number;
  result?: object;
}

/**
 * Which fetch brought a message to a consumer of @platformatic/kafka, and when it was asked: the
 * library tells it by its channels of diagnostics alone. A fetch that it repeats is one fetch,
 * asked when it was sent first.
 */
export class PlatformaticFetches {
  readonly #begun = new WeakMap<object, { request: number; begunMs: number }>();
  readonly #addresses = new WeakMap<object, Address>();
  readonly #ofRecord = new WeakMap<object, Bringing>();
  readonly #ofMessage = new WeakMap<object, Bringing>();
  readonly #leave: (() => void)[];

  /**
   * @param consumer of one topic
   * @param begin the number of a fetch that begins, and the time
   */
  constructor(
    private readonly consumer: Consumer<Buffer, Buffer, Buffer, Buffer>,
    private readonly begin: () => { request: number; begunMs: number },
  ) {
    this.#leave = [
      listen<OfFetch>(consumerFetchesChannel, {
        start: (fetch) => this.#ask(fetch),
        asyncStart: (fetch) => this.#answer(fetch),
      }),
      listen<OfMessage>(consumerReceivesChannel, { asyncStart: (message) => this.#hand(message) }),
      listen<OfRequest>(connectionsApiChannel, { asyncStart: (request) => this.#note(request) }),
    ];
  }

  /** What brought a message; null where the library has not told. */
  of(message: object): Bringing | null {
    return this.#ofMessage.get(message) ?? null;
  }

  close(): void {
    for (const leave of this.#leave) leave();
  }

  #ask(fetch: OfFetch): void {
    if (fetch.client === this.consumer) this.#begun.set(fetch, this.begin());
  }

  #note({ apiKey, connection: { host, port }, result }: OfRequest): void {
    if (apiKey !== fetchKey || result === undefined) return;
    if (host !== undefined && port !== undefined) this.#addresses.set(result, { host, port });
  }

  #answer(fetch: OfFetch): void {
    const begun = this.#begun.get(fetch);
    const { options, result } = fetch;
    if (begun === undefined || !result) return;
    const { request, begunMs } = begun;
    const wanted = options.topics.flatMap(({ partitions }) => partitions);
    const from = new Map(wanted.map((one) => [one.partition, Number(one.fetchOffset)]));
    const address = this.#addresses.get(result) ?? null;
    for (const { partitionIndex, records } of result.responses.flatMap((one) => one.partitions)) {
      const asked = { request, from: from.get(partitionIndex) ?? -1 };
      const bringing = { asked, begunMs, address };
      const all = (records ?? []).flatMap((batch) => batch.records);
      for (const record of all) this.#ofRecord.set(record, bringing);
    }
  }

  #hand({ raw, result }: OfMessage): void {
    const bringing = this.#ofRecord.get(raw);
    if (bringing !== undefined && result !== undefined) this.#ofMessage.set(result, bringing);
  }
}

type Listeners<T extends object> = Partial<Record<'start' | 'asyncStart', (context: T) => void>>;

/** Listens to a channel; the function that comes back ends it. */
function listen<T extends object>(channel: unknown, listeners: Listeners<T>): () => void {
  const typed = channel as TracingChannel;
  const all = listeners as unknown as TracingChannelSubscribers<object>;
  typed.subscribe(all);
  return () => typed.unsubscribe(all);
}
