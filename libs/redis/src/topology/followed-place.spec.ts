import { silentLogger, systemClock } from '@sluice/base';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { openBlockingConnection } from '../blocking-connection';
import { openJobConnection } from '../job-connections';
import { resolveOptions } from '../options';
import { Followers, type Place } from './place';

let servers: TestRedis[];
let primary: TestRedis;
const followers = new Followers();
const place: Place = {
  locate: () => Promise.resolve({ host: primary.host, port: portOf(primary) }),
  follow: (onMoved) => followers.add(onMoved),
};

/** As what is tested finds it. */
function portOf({ url }: TestRedis): number {
  return Number(new URL(url).port);
}

beforeEach(async () => {
  servers = [await sharedRedis(), await startRedis()];
  primary = servers[0]!;
});
afterEach(() => servers[1]!.stop());
afterAll(async () => (await sharedRedis()).stop());

describe('a connection of one’s own', () => {
  it('leaves a server that is no primary any more, although it still answers', async () => {
    const options = resolveOptions({ url: primary.url });
    const links = await Promise.all(servers.map((server) => connectLink(server)));
    for (const [n, link] of links.entries()) await link.write.set('test-which', n);
    const deps = { log: silentLogger, clock: systemClock, place };
    const waiting = openBlockingConnection(options, { ...deps, write: () => links[0]!.write });
    const work = openJobConnection(options, 'work', deps);
    const all = [waiting.redis, work.redis, work.redis.duplicate()];
    const answers = () => Promise.all(all.map((redis) => redis.get('test-which')));
    const are = (wanted: string) => async () =>
      (await answers()).every((answer) => answer === wanted);
    await eventually(are('0'));
    primary = servers[1]!;
    followers.tell();
    await eventually(are('1'));
    await Promise.all([waiting.close(), work.close()]);
    followers.tell();
    expect(all.every(({ status }) => status === 'end')).toBe(true);
  });
});
