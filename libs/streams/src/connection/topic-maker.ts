import type { Topic, TopicCatalog } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import type { ErrorCodeValue } from '@sluice/wire';

/** Why there is no topic of that name. */
export interface NoTopic {
  errorCode: ErrorCodeValue;
  message: string;
}

/** How a topic is made that is not there. */
export interface TopicTerms {
  /** Default: `defaultPartitions` of the connection. */
  partitions?: number;
  /** Default: the server's. */
  configs?: Readonly<Record<string, string>>;
  /** False: it is only looked for. Default: `autoCreateTopics` of the connection. */
  create?: boolean;
}

/** Makes topics when they are first used. Those who ask for one at the same time wait for one. */
export class TopicMaker {
  readonly #making = new Map<string, Promise<Topic | NoTopic>>();

  constructor(
    private readonly catalog: TopicCatalog,
    private readonly defaults: { partitions: number; create: boolean },
  ) {}

  /**
   * The topic of that name, made if it is not there.
   *
   * @throws RedisUnavailable | UnknownOutcome; it may be asked for again
   */
  async ensure(name: string, terms: TopicTerms = {}): Promise<Topic | NoTopic> {
    const known = this.catalog.byName(name);
    if (known !== undefined) return known;
    const { partitions = this.defaults.partitions, create = this.defaults.create } = terms;
    const key = `${create}/${name}`;
    let making = this.#making.get(key);
    if (making === undefined) {
      making = this.#make(name, { ...terms, partitions, create });
      this.#making.set(key, making);
      const forget = (): void => void this.#making.delete(key);
      making.then(forget, forget);
    }
    return making;
  }

  async #make(
    name: string,
    { partitions, configs, create }: TopicTerms & { partitions: number },
  ): Promise<Topic | NoTopic> {
    // What is only looked for is asked of Redis too: this process may not have heard of it yet.
    const validateOnly = create !== true;
    const made = await this.catalog.create({ name, partitions, configs, validateOnly });
    if ('created' in made && !validateOnly) return made.created;
    const found = this.catalog.byName(name);
    if (found !== undefined) return found;
    if ('created' in made) return unknown('there is no such topic');
    const { refused, message } = made;
    if (refused === 'exists') return unknown('it was made and deleted at this moment');
    return { errorCode: refusalCodes[refused], message };
  }
}

const refusalCodes = {
  'invalid-name': ErrorCode.INVALID_TOPIC_EXCEPTION,
  collides: ErrorCode.INVALID_TOPIC_EXCEPTION,
  'invalid-partitions': ErrorCode.INVALID_PARTITIONS,
  'invalid-config': ErrorCode.INVALID_CONFIG,
} as const;

function unknown(message: string): NoTopic {
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message };
}
