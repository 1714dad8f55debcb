import { decodeWord, encodeWord, lookWord } from './answer-word';
import type { Reply } from './reply';

const bytesMax = 1_000;

const replyOf = (more: Partial<Reply>): Reply => ({
  correlationId: '17',
  value: null,
  error: null,
  isLast: false,
  number: 0,
  ...more,
});

it.each<Partial<Reply>>([
  { value: Buffer.from([0, 255, 10]), isLast: true },
  { value: Buffer.alloc(0), number: 0xffff_ffff },
  { error: Buffer.from('no'), isLast: true, number: 3 },
  { isLast: true },
  { correlationId: 'ä€', value: Buffer.from('1') },
])('brings an answer as it was: %p', (more) => {
  const reply = replyOf(more);
  expect(decodeWord(encodeWord(reply, bytesMax))).toEqual(reply);
});

it.each<Partial<Reply>>([
  { number: undefined },
  { number: 2 ** 32 },
  { value: Buffer.alloc(bytesMax) },
  { value: Buffer.from('1'), error: Buffer.from('2') },
  { correlationId: 'x'.repeat(2 ** 16) },
])('says only to look for what it cannot bring', (more) => {
  const word = encodeWord(replyOf(more), 2 * 2 ** 16);
  const short = encodeWord(replyOf(more), bytesMax);
  expect([word, short]).toContain(lookWord);
  expect(decodeWord(lookWord)).toBeNull();
});

it.each([[1], [2, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 9]])(
  'takes what is no answer for the word to look: %p',
  (...bytes) => {
    expect(decodeWord(Buffer.from(bytes))).toBeNull();
  },
);
