import { ApiKeys, parseApiKeys } from './api-keys';

const long = 'k'.repeat(16);

test('keys are read from lines and from a list', () => {
  const parsed = parseApiKeys(
    `# ours\n a:read:${long}1, b:write:${long}2\r\n\nc.d-e:admin:${long}:3`,
  );
  expect(parsed).toMatchObject({
    keys: [
      { name: 'a', role: 'read' },
      { name: 'b', role: 'write' },
      { name: 'c.d-e', role: 'admin' },
    ],
  });
  expect(JSON.stringify(parsed)).not.toContain(long);
});

test('a key is found, and only whole', () => {
  const parsed = parseApiKeys(`a:read:${long}1,b:admin:${long}2`);
  const keys = new ApiKeys('keys' in parsed ? parsed.keys : []);
  expect(keys.find(`${long}2`)).toMatchObject({ name: 'b', role: 'admin' });
  for (const wrong of ['', long, `${long}12`, 'a', `a:read:${long}1`]) {
    expect(keys.find(wrong)).toBeUndefined();
  }
});

test.each([
  ['secret-of-sixteen', 'key 1 must be written as name:role:key'],
  [`a:read:${long},secret-of-sixteen`, 'key 2 must be written as name:role:key'],
  [`:read:${long}`, 'key 1 needs a name'],
  [`a b:read:${long}`, 'key 1 needs a name'],
  [`a:root:${long}`, "key 1 ('a') needs one of the roles read, write, admin"],
  ['a:read:short', "key 1 ('a') must have 16 to 256 characters"],
  [`a:read:${long}1,a:read:${long}2`, "key 2 has the name of another: 'a'"],
  [`a:read:${long}1,b:read:${long}1`, "key 2 ('b') is the same as 'a'"],
])('%s is refused, and not repeated', (text, problem) => {
  const parsed = parseApiKeys(text);
  expect(parsed).toEqual({ problem: expect.stringContaining(problem) });
  expect(JSON.stringify(parsed)).not.toMatch(/secret|short|kkkk/);
});
