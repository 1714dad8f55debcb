import { parseScriptHeader } from './header';
import { checkWritesLine } from './rules';

function faults(...body: string[]): string[] {
  const lines = ['--[[ test/it — x.', 'KEYS -', 'ARGV -', 'REPLY done', 'REFUSED no ]]', ...body];
  const written = lines.join('\n');
  const origins = lines.map((_, index) => `it.lua:${index + 1}`);
  return checkWritesLine({ header: parseScriptHeader(written), written, text: written, origins });
}

const line = '-- ── writes ──';

describe('the writes line', () => {
  it('is kept by a script that reads, decides, writes and tells', () => {
    const script = [
      'local call = redis.call',
      "if call('EXISTS', 'a') == 0 then return { 'no' } end",
      "local value = cjson.decode(call('GET', 'a'))",
      line,
      "call('SET', 'a', value.b)",
      "-- redis.call('GET') in a comment",
      "redis.pcall('PUBLISH', 'c', 'text')",
      "return { 'done' }",
    ];
    expect(faults(...script)).toEqual([]);
  });

  it('is not needed where nothing is written', () => {
    expect(faults("return { 'done', redis.call('HGETALL', 'a') }")).toEqual([]);
  });

  it.each([
    [["redis.call('SET', 'a', 1)"], 'it.lua:6 calls SET above the writes line'],
    [['redis.call(command, 1)'], 'it.lua:6 calls some command above the writes line'],
    [["redis.pcall('DEL', 'a')", line], 'it.lua:6 calls DEL above the writes line'],
    [[line, "call('TIME')"], 'it.lua:7 calls TIME, which reads, below the writes line'],
    [[line, "redis.call('PUBLISH', 'c', 1)"], 'it.lua:7 calls PUBLISH without pcall'],
    [[line, "return { 'no' }"], "it.lua:7 refuses with 'no' below the writes line"],
    [[line, "error('x')"], 'it.lua:7 calls error, which may raise, below the writes line'],
    [
      [line, 'cjson.decode(x)'],
      'it.lua:7 calls cjson.decode, which may raise, below the writes line',
    ],
    [[line, line], 'it.lua:7 has the writes line a second time'],
  ])('is broken by %j', (body, fault) => {
    expect(faults(...body)).toEqual([fault]);
  });
});
