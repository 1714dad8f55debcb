import { makeSetup } from './setup';

const place = { host: '127.0.0.1', port: 7_000, tlsPort: 7_001 };
const { SLUICE_TEST_SETUP, SLUICE_TEST_TLS } = process.env;

function setupOf(names: string): ReturnType<typeof makeSetup> {
  Object.assign(process.env, { SLUICE_TEST_SETUP: names, SLUICE_TEST_TLS: '/certificates' });
  return makeSetup(place);
}

afterEach(() => {
  for (const [name, value] of Object.entries({ SLUICE_TEST_SETUP, SLUICE_TEST_TLS })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

it.each([
  ['', 'redis://127.0.0.1:7000', 0],
  ['tls', 'rediss://127.0.0.1:7001', 0],
  ['acl,replica', 'redis://gateway:gateway-secret@127.0.0.1:7000', 0],
  ['tls,database-1', 'rediss://127.0.0.1:7001/1', 1],
])('a server in the set-ups "%s" is found at %s', (names, url, database) => {
  expect(setupOf(names)).toMatchObject({ url, database });
});

it('a server in several set-ups has the arguments of each', () => {
  const { args } = setupOf('tls,acl');
  expect(args).toEqual([...setupOf('tls').args, ...setupOf('acl').args]);
  expect(args).toEqual(expect.arrayContaining(['--tls-port', '7001', '--user', 'gateway']));
});

it('a name that no set-up has is refused', () => {
  expect(() => setupOf('acl,tsl')).toThrow('SLUICE_TEST_SETUP must name some of');
});
