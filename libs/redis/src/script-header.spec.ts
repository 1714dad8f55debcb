import { checkScriptUse, parseScriptHeader } from './script-header';

const header = (lines: string, body = ''): string =>
  `--[[ log/append — adds.\n${lines} ]]\n${body}`;
const complete = 'KEYS   meta log\nARGV   epoch batches…\nREPLY  appended | fenced';

describe('parseScriptHeader', () => {
  it('reads names, reply and body', () => {
    expect(parseScriptHeader(header(complete, 'return 1'))).toEqual({
      name: 'log/append',
      keys: ['meta', 'log'],
      args: ['epoch', 'batches…'],
      reply: 'appended | fenced',
      body: '\nreturn 1',
    });
  });

  it('reads it below a #! line, with sections that go on, and prose between', () => {
    const source = [
      '#!lua flags=allow-oom',
      '--[[ log/trim — frees memory.',
      'It never refuses.',
      'KEYS   -',
      'ARGV   one two',
      '       rest...',
      'REPLY  done',
      '       | nothing',
      '',
      '  An indented remark, which belongs to no section.',
      ']]',
    ].join('\n');
    const parsed = parseScriptHeader(source);
    expect(parsed).toMatchObject({ keys: [], args: ['one', 'two', 'rest…'] });
    expect(parsed.reply).toBe('done | nothing');
  });

  it.each([
    ['local a = 1', /must begin with/],
    [header('KEYS a\nARGV b'), /has no REPLY/],
    [header('ARGV b\nREPLY c'), /has no KEYS line/],
    [header('KEYS a\nARGV\nREPLY c'), /has no ARGV line/],
    [header('KEYS a\nKEYS b\nARGV c\nREPLY d'), /two KEYS lines/],
    [header('KEYS a\nARGV rest… last\nREPLY d'), /must be the last/],
    [header('KEYS a a\nARGV b\nREPLY d'), /occurs twice/],
    [header('KEYS a-b\nARGV b\nREPLY d'), /"a-b" is not a name/],
  ])('refuses %j', (source, message) => {
    expect(() => parseScriptHeader(source)).toThrow(message);
  });
});

const check = (body: string): void => checkScriptUse(parseScriptHeader(header(complete, body)));

describe('checkScriptUse', () => {
  it.each([
    'return redis.call("HGET", KEYS[1], ARGV[1]) .. KEYS[2] .. ARGV[2] .. ARGV[3]',
    'local meta, log = unpack(KEYS) for i = 2, #ARGV do local b = ARGV[i] end',
  ])('accepts %j', (body) => {
    expect(() => check(body)).not.toThrow();
  });

  it.each([
    ['return KEYS[1] .. KEYS[2] .. KEYS[3] .. #ARGV', /uses KEYS\[3\]/],
    ['return KEYS[1] .. #ARGV', /declares KEYS log, which it never uses/],
    ['-- KEYS[2] in a comment\nreturn KEYS[1] .. #ARGV', /declares KEYS log/],
    ['return #KEYS .. ARGV[2]', /declares ARGV epoch/],
    ['return #KEYS .. ARGV[0]', /uses ARGV\[0\]/],
  ])('refuses %j', (body, message) => {
    expect(() => check(body)).toThrow(message);
  });
});
