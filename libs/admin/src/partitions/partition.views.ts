import { field } from '../http/fields';
import { adminLimits } from '../limits';

/** Which partitions are asked for. */
export class PartitionsQuery {
  @field.whole({
    about: 'How many partitions, at most.',
    min: 1,
    max: adminLimits.pageItemsMax,
    optional: true,
    example: 100,
  })
  limit?: number;

  @field.whole({
    about: 'Only partitions behind this one: `next` of the page before.',
    min: 0,
    max: 2_147_483_647,
    optional: true,
    example: 99,
  })
  after?: number;

  @field.flag({
    about: "Also how much of Redis' memory each takes.",
    optional: true,
    example: true,
  })
  memory?: boolean;
}

/** Which records are to go. */
export class DeletedRecordsQuery {
  @field.text({
    about: 'The offset of the first record that stays, or `end` for none.',
    pattern: /^(\d{1,15}|end)$/,
    example: '1200',
  })
  before: string;

  @field.flag({
    about: 'Only check: everything is answered as it would be, and nothing is changed.',
    optional: true,
    example: true,
  })
  dryRun?: boolean;
}

/** How much goes through a partition in a second. */
export class RateView {
  @field.number({ about: 'Records a second, to a tenth.', example: 1_200.5 })
  recordsPerSecond: number;

  @field.number({ about: 'Bytes a second of their batches, to a tenth.', example: 123_456.7 })
  bytesPerSecond: number;
}

/** A partition. */
export class PartitionView {
  @field.whole({ about: 'Its number.', example: 0 })
  partition: number;

  @field.whole({
    about: 'The broker that leads it; null: nobody does at the moment.',
    nullable: true,
    example: 1,
  })
  leader: number | null;

  @field.list({
    about: 'The brokers that may lead it, the preferred one first.',
    items: { kind: 'whole' },
    example: [1, 2, 3],
  })
  replicas: number[];

  @field.whole({ about: 'Rises when Redis has lost writes.', example: 0 })
  leaderEpoch: number;

  @field.whole({ about: 'The first offset that can be read.', example: 1_200 })
  logStartOffset: number;

  @field.whole({ about: 'The offset that the next record gets.', example: 120_000 })
  logEndOffset: number;

  @field.whole({
    about:
      'The offset up to which consumers are given records: the log end, but where the topic asks ' +
      'for copies or for the disk and the last records are not confirmed yet.',
    example: 120_000,
  })
  highWatermark: number;

  @field.whole({
    about: 'Offsets between start and end: as many records, or a few less.',
    example: 118_800,
  })
  records: number;

  @field.whole({ about: 'Batches that are stored.', example: 4_400 })
  batches: number;

  @field.whole({ about: 'Bytes of these batches, as they were sent.', example: 1_234_567 })
  bytes: number;

  @field.text({
    about: 'The largest timestamp that a record ever had; null before the first.',
    nullable: true,
    example: '2026-11-26T12:00:00.000Z',
  })
  maxTimestamp: string | null;

  @field.shape({
    about:
      'What was appended to it through the gateway that answers, over the last 30 s; what other ' +
      'gateways and services append is not in it.',
    shape: () => RateView,
  })
  produced: RateView;

  @field.shape({
    about:
      'What that gateway has read of it over the same time for consumers, browsing and tails; ' +
      'what several of them read counts several times.',
    shape: () => RateView,
  })
  consumed: RateView;

  @field.whole({
    about: "Bytes of Redis' memory, as it estimates them; null where it may not be asked.",
    nullable: true,
    optional: true,
    example: 1_402_112,
  })
  memoryBytes?: number | null;
}

/** Some partitions. */
export class PartitionPage {
  @field.list({ about: 'By number.', items: { kind: 'shape', shape: () => PartitionView } })
  partitions: PartitionView[];

  @field.whole({
    about: 'What to send as `after` for the next page; null: this is the last.',
    nullable: true,
    example: null,
  })
  next: number | null;
}

/** What was deleted. */
export class DeletedRecords {
  @field.whole({ about: 'The first offset that can be read then.', example: 1_200 })
  logStartOffset: number;

  @field.whole({ about: 'Offsets that can no longer be read.', example: 1_200 })
  records: number;

  @field.flag({ about: 'Whether all is still there, because this was a dry run.', example: false })
  dryRun: boolean;
}
