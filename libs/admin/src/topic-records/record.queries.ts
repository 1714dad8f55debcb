import { bytesForms, recordLimits } from '@sluice/broker';
import { field } from '../http/fields';
import { givenRecord } from './bytes-schemas';

const form = (what: string) =>
  ({
    about:
      `How ${what} are told: auto (text where they are UTF-8, else base64), text, json (where ` +
      'they are JSON, else as auto) or base64.',
    choices: bytesForms,
    optional: true,
    example: 'auto',
  }) as const;

const filter = (about: string, example: string) => ({
  about,
  charsMax: recordLimits.filterCharactersMax,
  optional: true,
  example,
});

/** Which records are wanted, and how they are told; what browsing and tailing have in common. */
export class RecordsQuery {
  @field.whole({
    about: 'Only this partition. Left out: all of them.',
    min: 0,
    optional: true,
    example: 0,
  })
  partition?: number;

  @field.text({
    about: 'Where to begin.',
    choices: ['start', 'end'],
    optional: true,
    example: 'start',
  })
  from?: 'start' | 'end';

  @field.whole({
    about: 'Begin at this offset, or at the nearest that is in the log.',
    min: 0,
    optional: true,
    example: 5_000_000,
  })
  offset?: number;

  @field.whole({
    about: 'Begin at the first record of this time or later, in ms since 1970.',
    min: 0,
    optional: true,
    example: 1_795_700_000_000,
  })
  timestampMs?: number;

  @field.text(form('keys'))
  keys?: (typeof bytesForms)[number];

  @field.text(form('values'))
  values?: (typeof bytesForms)[number];

  @field.text(form('values of headers'))
  headers?: (typeof bytesForms)[number];

  @field.whole({
    about: 'Bytes of a key, a value or a header that are told; the rest is cut off.',
    min: 1,
    max: recordLimits.toldBytesMax,
    optional: true,
    example: recordLimits.toldBytesUsual,
  })
  bytesMax?: number;

  @field.text(filter('Only records with just this key.', 'customer-17'))
  keyEquals?: string;

  @field.text(filter('Only records with this in their key.', 'customer'))
  keyContains?: string;

  @field.text(filter('Only records with this in their value.', 'refund'))
  valueContains?: string;

  @field.text(filter('Only records with this in key, value or header.', 'refund'))
  contains?: string;

  @field.text(filter('Only records with this header, as `name` or `name=value`.', 'source=web'))
  header?: string;

  @field.text(
    filter('A JSON pointer (RFC 6901). Only records whose value has something there.', '/user/id'),
  )
  jsonPointer?: string;

  @field.text(filter('What must be there, as JSON; a text need not be quoted.', '17'))
  jsonEquals?: string;
}

/** Which page of records. */
export class BrowseQuery extends RecordsQuery {
  @field.text({
    about: 'forward begins at the start, backward at the end, where nothing else is said.',
    choices: ['forward', 'backward'],
    optional: true,
    example: 'forward',
  })
  direction?: 'forward' | 'backward';

  @field.whole({
    about: 'How many records, at most.',
    min: 1,
    max: recordLimits.browseRecordsMax,
    optional: true,
    example: recordLimits.browseRecordsUsual,
  })
  limit?: number;

  @field.text({
    about:
      '`newer` or `older` of another page: begins there, in that direction. `partition`, ' +
      '`from`, ' +
      '`offset`, `timestampMs` and `direction` are then not looked at.',
    charsMax: recordLimits.cursorCharactersMax,
    optional: true,
    example: 'WzEsIm…',
  })
  cursor?: string;
}

/** How records are to be produced. */
export class ProduceBody {
  @field.list({
    about:
      'The records. Each may have a `key`, a `value`, `headers` (a list of `name` and ' +
      '`value`), a ' +
      '`partition` and a `timestampMs`. Keys and values are texts, null, or one of `{text}`, ' +
      '`{json}` and `{base64}`. Without a partition it follows from the key, as all Kafka ' +
      'clients ' +
      'have it; records without a key go to one partition that changes from request to request.',
    items: { kind: 'anything', schema: givenRecord },
    itemsMax: recordLimits.produceRecordsMax,
    example: [
      { key: 'customer-17', value: { json: { total: 12 } }, headers: [{ name: 'n', value: 'v' }] },
    ],
  })
  records: object[];

  @field.text({
    about:
      'When it is answered: all (min.insync.replicas have the records), leader (Redis has them) ' +
      'or none (at once, and nobody knows what becomes of them). all where it is left out.',
    choices: ['all', 'leader', 'none'],
    optional: true,
    example: 'all',
  })
  acks?: 'all' | 'leader' | 'none';

  @field.text({
    about: 'How the batches are compressed. none where it is left out.',
    choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    optional: true,
    example: 'zstd',
  })
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
}
