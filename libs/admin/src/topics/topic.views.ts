import { topicVersion, type Topic } from '@sluice/log';
import { field } from '../http/fields';
import { adminLimits } from '../limits';

const example = 'orders';

/** Which topics are asked for. */
export class TopicsQuery {
  @field.whole({
    about: 'How many topics, at most.',
    min: 1,
    max: adminLimits.pageItemsMax,
    optional: true,
    example: 100,
  })
  limit?: number;

  @field.text({
    about: 'Only topics behind this name: `next` of the page before.',
    charsMax: 249,
    optional: true,
    example,
  })
  after?: string;

  @field.text({
    about: 'Only topics that have this in their name.',
    charsMax: 249,
    optional: true,
    example: 'ord',
  })
  name?: string;

  @field.flag({
    about: 'Also those whose name begins with two underscores, as internal ones do.',
    optional: true,
    example: false,
  })
  internal?: boolean;

  @field.flag({
    about: 'Also how much is in each topic, which is asked of Redis.',
    optional: true,
    example: true,
  })
  sizes?: boolean;
}

/** How a change is to be made. */
export class DryRunQuery {
  @field.flag({
    about: 'Only check: everything is answered as it would be, and nothing is changed.',
    optional: true,
    example: true,
  })
  dryRun?: boolean;
}

/** A topic that is to be created. */
export class NewTopic {
  @field.text({
    about: 'Letters, digits, dots, underscores and dashes; 249 at most.',
    charsMin: 1,
    charsMax: 249,
    example,
  })
  name: string;

  @field.whole({
    about: 'Number of partitions; left out, what --default-partitions says.',
    min: 1,
    max: 2_147_483_647,
    optional: true,
    example: 12,
  })
  partitions?: number;

  @field.map({
    about: 'Configs that are not to have their defaults.',
    values: { kind: 'text' },
    entriesMax: 100,
    optional: true,
    example: { 'retention.ms': '86400000' },
  })
  configs?: Record<string, string>;
}

/** How many partitions a topic is to have. */
export class Growth {
  @field.whole({
    about: 'The new number of all partitions. A topic can only grow.',
    min: 1,
    max: 2_147_483_647,
    example: 24,
  })
  total: number;
}

/** How much is in a topic. */
export class TopicSize {
  @field.whole({
    about: 'Offsets between start and end, of all partitions: as many records, or a few less.',
    example: 120_000,
  })
  records: number;

  @field.whole({ about: 'Bytes of the batches, as they were sent.', example: 12_345_678 })
  bytes: number;
}

/** A topic. */
export class TopicView {
  @field.text({ about: 'Its name.', example })
  name: string;

  @field.text({
    about: 'Its id, another one for each topic that had this name.',
    example: 'i0Rd7TzWRHqSsK3V6YsLZw',
  })
  id: string;

  @field.whole({ about: 'Number of its partitions, 0 and up.', example: 12 })
  partitions: number;

  @field.flag({ about: 'Whether its name begins with two underscores.', example: false })
  internal: boolean;

  @field.text({ about: 'When it was created.', example: '2026-11-26T12:00:00.000Z' })
  createdAt: string;

  @field.map({
    about: 'The configs that were set; all others have their defaults.',
    values: { kind: 'text' },
    example: { 'retention.ms': '86400000' },
  })
  configs: Readonly<Record<string, string>>;

  @field.text({
    about: 'Another one after each change; what `ETag` and `If-Match` hold, in quotes.',
    example: 'pXAeVh1ufGq0b3qZkYxS0g',
  })
  version: string;

  @field.shape({
    about: 'How much is in it; only where it was asked for.',
    shape: () => TopicSize,
    optional: true,
  })
  size?: TopicSize;
}

/** Some topics. */
export class TopicPage {
  @field.list({ about: 'By name.', items: { kind: 'shape', shape: () => TopicView } })
  topics: TopicView[];

  @field.text({
    about: 'What to send as `after` for the next page; null: this is the last.',
    nullable: true,
    example: null,
  })
  next: string | null;
}

/** What was deleted. */
export class DeletedTopic {
  @field.shape({ about: 'The topic as it was.', shape: () => TopicView })
  deleted: TopicView;

  @field.flag({ about: 'Whether it is still there, because this was a dry run.', example: false })
  dryRun: boolean;
}

/** Whether a topic's name is one of an internal topic. */
export function isInternal({ name }: Topic): boolean {
  return name.startsWith('__');
}

/** A topic as it is answered. */
export function topicView(topic: Topic): TopicView {
  const { name, id, partitions, createdAtMs, configs } = topic;
  return {
    name,
    id,
    partitions,
    internal: isInternal(topic),
    createdAt: new Date(createdAtMs).toISOString(),
    configs,
    version: topicVersion(topic),
  };
}
