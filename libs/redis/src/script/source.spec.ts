import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readScript } from './source';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-source-'));
  mkdirSync(join(folder, 'include'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, lines: readonly string[]): string {
  const file = join(folder, `${name}.lua`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const header = ['--[[ test/it — x.', 'KEYS   meta log', 'ARGV   epoch batches…', 'REPLY  done ]]'];
const useAll = 'local all = { KEYS, ARGV }';

/** What a body becomes, without the header. */
function bound(...body: string[]): string {
  return readScript(write('it', [...header, ...body]))
    .text.split('\n')
    .slice(4)
    .join('\n');
}

const include = (name: string): string => `--- @include "${name}"`;

describe('includes', () => {
  it('are put in their places, with where each line comes from', () => {
    write('include/first', ['local first = 1', include('second')]);
    write('include/second', ['local second = 2']);
    const { text, origins } = readScript(write('it', [...header, useAll, include('first'), 'end']));
    expect(text.split('\n').slice(5)).toEqual(['local first = 1', 'local second = 2', 'end']);
    expect(origins.slice(4)).toEqual(['it.lua:5', 'first.lua:1', 'second.lua:1', 'it.lua:7']);
  });

  it('may be of those that all libraries share', () => {
    expect(bound(useAll, include('now'))).toContain('local function now()');
  });

  it('leave the #! line the first', () => {
    write('include/one', ['local one = 1']);
    const { text } = readScript(write('it', ['#!lua', ...header, useAll, include('one')]));
    expect(text.startsWith('#!lua\n--[[ test/it')).toBe(true);
  });

  it.each([
    ['is missing', ['none'], /^it\.lua:6 includes "none", which is not in include\/$/],
    ['stands twice', ['one', 'one'], /^it\.lua:7 includes one\.lua a second time/],
    ['stands twice by another', ['with-one', 'one'], /^it\.lua:7 includes one\.lua a second time/],
    [
      'includes itself',
      ['ring'],
      /^ring-2\.lua:1 includes itself: ring\.lua → ring-2\.lua → ring\.lua/,
    ],
    ['has no plain name', ['../one'], /^it\.lua:6 must be: --- @include/],
  ])('are refused when one %s', (_, names, message) => {
    write('include/one', ['local one = 1']);
    write('include/with-one', [include('one')]);
    write('include/ring', [include('ring-2')]);
    write('include/ring-2', [include('ring')]);
    const file = write('it', [...header, useAll, ...names.map(include)]);
    expect(() => readScript(file)).toThrow(message);
  });
});

describe('names of KEYS and ARGV', () => {
  it('become positions', () => {
    expect(bound('return KEYS.meta .. KEYS.log .. ARGV.epoch .. #ARGV')).toBe(
      'return KEYS[1] .. KEYS[2] .. ARGV[1] .. #ARGV',
    );
  });

  it('of a list count from its first value', () => {
    const used = '-- KEYS.meta\nlocal a, b, c = KEYS.meta, KEYS.log, ARGV.epoch\n';
    const after = bound(
      used,
      'for i = 1, #ARGV.batches do f(ARGV.batches[t[i] + 1]) end',
      'g(unpack(ARGV.batches)) h(unpack(ARGV.batches, from, last))',
      'i(ARGV.batches[#ARGV.batches])',
    );
    expect(after.split('\n').slice(3)).toEqual([
      'for i = 1, (#ARGV - 1) do f(ARGV[1 + (t[i] + 1)]) end',
      'g(unpack(ARGV, 2)) h(unpack(ARGV, 1 + (from), 1 + (last)))',
      'i(ARGV[1 + ((#ARGV - 1))])',
    ]);
  });

  it.each([
    ['return KEYS[1] .. KEYS[2] .. KEYS[3] .. #ARGV', /it\.lua:5 uses KEYS\[3\]/],
    ['return #KEYS .. ARGV[0]', /it\.lua:5 uses ARGV\[0\]/],
    ['\nreturn KEYS.other .. #KEYS .. #ARGV', /it\.lua:6 uses KEYS\.other/],
    ['return KEYS.meta .. #ARGV', /declares KEYS log, which it never uses/],
    ['-- KEYS.log in a comment\nreturn KEYS.meta .. #ARGV', /declares KEYS log/],
    ['return #KEYS .. ARGV.batches[1]', /declares ARGV epoch/],
    ['f(#KEYS, ARGV.epoch, ARGV.batches)', /it\.lua:5 uses the list ARGV\.batches not as/],
  ])('are refused in %j', (body, message) => {
    expect(() => bound(body)).toThrow(message);
  });
});
