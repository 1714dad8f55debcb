import { translate } from './addresses';

const told = translate(new Map([[50_001, 40_001]]));
const after = (text: string) => told(Buffer.from(text, 'latin1')).toString('latin1');

describe('addresses that servers tell', () => {
  it.each([
    ['of a Sentinel', '*2\r\n$9\r\n127.0.0.1\r\n$5\r\n50001\r\n'],
    ['of CLUSTER SLOTS', '*3\r\n$9\r\n127.0.0.1\r\n:50001\r\n$2\r\nid\r\n'],
    ['of an error', '-MOVED 42 127.0.0.1:50001\r\n'],
  ])('%s are translated', (_, text) => {
    expect(after(text)).toBe(text.replace('50001', '40001'));
  });

  it.each([
    ['another server', '-ASK 42 127.0.0.1:50002\r\n'],
    ['a number', '*2\r\n$9\r\n127.0.0.1\r\n:7\r\n:50001\r\n'],
    ['what is no address', ':50001\r\n'],
    ['a longer number', '-MOVED 42 127.0.0.1:500011\r\n'],
    ['bytes that are no text', '$4\r\n\xff\x00\xfe\x80\r\n-ASK 1 127.0.0.1:1\r\n'],
  ])('%s stays as it is', (_, text) => {
    expect(after(text)).toBe(text);
  });
});
