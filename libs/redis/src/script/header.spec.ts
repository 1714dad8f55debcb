import { parseReplies, parseScriptHeader } from './header';

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
      refused: '',
    });
  });

  it('reads it below a #! line, with sections that go on, and prose between', () => {
    const source = [
      '#!lua flags=allow-oom',
      '--[[ log/trim — frees memory.',
      'It never refuses.',
      'KEYS   -',
      'ARGV   one two',
      '       rest…',
      'REPLY  done',
      '       | nothing',
      'REFUSED gone',
      '',
      '  An indented remark, which belongs to no section.',
      ']]',
    ].join('\n');
    const parsed = parseScriptHeader(source);
    expect(parsed).toMatchObject({ keys: [], args: ['one', 'two', 'rest…'] });
    expect(parsed.reply).toBe('done | nothing');
    expect(parsed.refused).toBe('gone');
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
    [header('KEYS a a?\nARGV b\nREPLY d'), /occurs twice/],
    [header('KEYS a\nARGV b?\nREPLY d'), /"b\?" is not a name/],
  ])('refuses %j', (source, message) => {
    expect(() => parseScriptHeader(source)).toThrow(message);
  });
});

describe('parseReplies', () => {
  it('reads tags, what follows them, and passes over remarks', () => {
    const text = 'all start end | some start (of the\n  log) verdicts… | moved';
    const { reply } = parseScriptHeader(header(`KEYS - (none)\nARGV a (first) b\nREPLY ${text}`));
    expect(parseReplies(reply)).toEqual([
      { tag: 'all', fields: ['start', 'end'] },
      { tag: 'some', fields: ['start', 'verdicts…'] },
      { tag: 'moved', fields: [] },
    ]);
  });

  it('knows none', () => {
    expect(parseReplies('-')).toEqual([]);
  });

  it.each([
    ['all | all', /a tag occurs twice/],
    ['all a a', /a name occurs twice/],
    ['all rest… last', /must be the last/],
    ['{all}', /"{all}", which is no tag/],
    ['all tag', /a value "tag"/],
  ])('refuses %j', (text, message) => {
    expect(() => parseReplies(text)).toThrow(message);
  });
});
