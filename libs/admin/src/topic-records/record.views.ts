import { field } from '../http/fields';
import { toldBytes as schema } from './bytes-schemas';

/** A header of a record. */
export class HeaderView {
  @field.text({ about: 'Its name.', example: 'source' })
  name: string;

  @field.anything({ about: 'Its value, as a key is told.', nullable: true, schema })
  value: unknown;
}

const told =
  'Null, or one of `text`, `json` and `base64`, with `bytes`: how many there are. `cut`: ' +
  'only the ' +
  'beginning is told. `lossy`: some bytes are no UTF-8.';

/** A record. */
export class RecordView {
  @field.whole({ about: 'Its partition.', example: 0 })
  partition: number;

  @field.whole({ about: 'Its offset.', example: 5_000_000 })
  offset: number;

  @field.whole({ about: 'Its time, in ms since 1970.', example: 1_795_700_000_000 })
  timestampMs: number;

  @field.anything({
    about: told,
    nullable: true,
    schema,
    example: { text: 'customer-17', bytes: 11 },
  })
  key: unknown;

  @field.anything({
    about: told,
    nullable: true,
    schema,
    example: { text: '{"total":12}', bytes: 12 },
  })
  value: unknown;

  @field.list({ about: 'In order.', items: { kind: 'shape', shape: () => HeaderView } })
  headers: HeaderView[];
}

/** How much a page has looked at. */
export class ScannedView {
  @field.whole({ about: 'Records.', example: 100 })
  records: number;

  @field.whole({ about: 'Bytes of batches, as they are stored.', example: 65_536 })
  bytes: number;

  @field.whole({ about: 'Milliseconds.', example: 3 })
  ms: number;
}

/** Offsets that cannot be decoded. */
export class UnreadableView {
  @field.whole({ about: 'The partition.', example: 0 })
  partition: number;

  @field.whole({ about: 'The first of them.', example: 17 })
  fromOffset: number;

  @field.whole({ about: 'The last of them.', example: 19 })
  toOffset: number;

  @field.text({ about: 'Why.', example: 'the CRC of the batch is wrong' })
  reason: string;
}

/** One page of records. */
export class RecordPage {
  @field.list({
    about:
      'Those of one partition by their offsets, backward the highest first; those of several ' +
      'merged by time.',
    items: { kind: 'shape', shape: () => RecordView },
  })
  records: RecordView[];

  @field.text({ about: 'A cursor to what follows this page in the log.', example: 'WzEsIm…' })
  newer: string;

  @field.text({ about: 'A cursor to what lies before this page.', example: 'WzEsIm…' })
  older: string;

  @field.flag({ about: 'There is nothing more in this direction, at this moment.' })
  atEnd: boolean;

  @field.shape({ about: 'How much was looked at for it.', shape: () => ScannedView })
  scanned: ScannedView;

  @field.text({
    about: 'Which limit of what a page looks at was reached: go on with the cursor.',
    choices: ['records', 'bytes', 'time'],
    nullable: true,
    example: null,
  })
  stoppedBy: 'records' | 'bytes' | 'time' | null;

  @field.list({
    about: 'What was passed over because it cannot be decoded.',
    items: { kind: 'shape', shape: () => UnreadableView },
  })
  unreadable: UnreadableView[];
}

/** Why a record is not stored, or may be. */
export class RecordErrorView {
  @field.text({ about: "A problem's code, as `record-too-large`.", example: 'record-too-large' })
  code: string;

  @field.text({ about: "Kafka's name for it.", example: 'MESSAGE_TOO_LARGE' })
  kafkaError: string;

  @field.text({ about: 'What is wrong.', example: 'The batch has 2000000 bytes; …' })
  detail: string;

  @field.flag({ about: 'The same record may be taken when it is sent again.', example: false })
  retriable: boolean;
}

/** What became of one record: it has an offset or an error. */
export class ProducedRecordView {
  @field.whole({ about: 'Its partition.', example: 0 })
  partition: number;

  @field.whole({ about: 'Its offset.', optional: true, example: 5_000_000 })
  offset?: number;

  @field.whole({
    about: 'Its time, in ms since 1970.',
    optional: true,
    example: 1_795_700_000_000,
  })
  timestampMs?: number;

  @field.shape({ about: 'Why it has no offset.', optional: true, shape: () => RecordErrorView })
  error?: RecordErrorView;
}

/** What became of a request to produce. */
export class ProducedView {
  @field.text({ about: 'The topic.', example: 'orders' })
  topic: string;

  @field.list({
    about: 'One for each record, in the order of the request; null with acks none.',
    nullable: true,
    items: { kind: 'shape', shape: () => ProducedRecordView },
  })
  records: ProducedRecordView[] | null;
}
