import { recordLimits } from '@sluice/broker';

type Schema = Readonly<Record<string, unknown>>;

const text = { type: 'string', description: 'UTF-8.' };
const json = { description: 'Any JSON value; its text is what is meant.' };
const base64 = { type: 'string', format: 'byte', description: 'Any bytes.' };
const whole = { type: 'integer', format: 'int64', minimum: 0 };

const ofTold = {
  bytes: { ...whole, description: 'How many there are, told or not.' },
  cut: { type: 'boolean', enum: [true], description: 'Only the beginning is told.' },
  lossy: { type: 'boolean', enum: [true], description: 'Some bytes are no UTF-8.' },
};

function told(name: string, form: Schema): Schema {
  const properties = { [name]: form, ...ofTold };
  return { type: 'object', required: [name, 'bytes'], properties };
}

function given(name: string, form: Schema): Schema {
  return { type: 'object', required: [name], properties: { [name]: form } };
}

/** A key, a value or a header's value, as it is told (`ToldBytes`). */
export const toldBytes: Schema = {
  oneOf: [told('text', text), told('json', json), told('base64', base64)],
};

/** A key, a value or a header's value, as it is given (`GivenBytes`). */
export const givenBytes: Schema = {
  nullable: true,
  oneOf: [text, given('text', text), given('json', json), given('base64', base64)],
};

const givenHeader: Schema = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', description: 'Its name.' }, value: givenBytes },
};

/** A record as it is given (`GivenRecord`). */
export const givenRecord: Schema = {
  type: 'object',
  properties: {
    partition: { ...whole, nullable: true, description: 'Left out: it follows from the key.' },
    timestampMs: { ...whole, nullable: true, description: 'Left out: now. In ms since 1970.' },
    key: givenBytes,
    value: givenBytes,
    headers: { type: 'array', maxItems: recordLimits.produceHeadersMax, items: givenHeader },
  },
};
