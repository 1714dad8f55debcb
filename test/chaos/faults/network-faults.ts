import type { FaultProxy, NetworkTrouble } from '../network/fault-proxy';
import type { SeededRandom } from '../seeded-random';
import type { ChaosGateway } from '../set-ups/chaos-gateway';
import type { SetUp } from '../set-ups/set-up';
import type { FaultKind, FaultTarget } from './fault-kind';
import { nothing } from './promises';

/** How often something is lost, of what passes. */
const lostShare = { least: 0.01, most: 0.15 };
const slowMs = { least: 20, most: 300 };

interface Trouble {
  name: NetworkTrouble['kind'];
  about: string;
  lasts: FaultKind['lasts'];
  make: (random: SeededRandom) => NetworkTrouble;
}

const share = (random: SeededRandom) => random.between(lostShare.least, lostShare.most);

const troubles: readonly Trouble[] = [
  {
    name: 'lost-replies',
    about: 'requests arrive, and answers are lost with their connections',
    lasts: { least: 1, most: 8 },
    make: (random) => ({ kind: 'lost-replies', share: share(random) }),
  },
  {
    name: 'lost-requests',
    about: 'requests are lost with their connections',
    lasts: { least: 1, most: 8 },
    make: (random) => ({ kind: 'lost-requests', share: share(random) }),
  },
  {
    name: 'slow',
    about: 'everything takes longer, and not always as long',
    lasts: { least: 2, most: 10 },
    make: (random) => {
      const delayMs = random.between(slowMs.least, slowMs.most);
      return { kind: 'slow', delayMs, jitterMs: delayMs };
    },
  },
  {
    name: 'silent',
    about: 'connections stay, and nothing gets through',
    lasts: { least: 0.5, most: 9 },
    make: () => ({ kind: 'silent' }),
  },
  {
    name: 'cut',
    about: 'every connection is cut, and each new one',
    lasts: { least: 0, most: 6 },
    make: () => ({ kind: 'cut' }),
  },
];

interface Network {
  name: 'client' | 'redis';
  between: string;
  proxiesOf: (setUp: SetUp) => { name: string; proxies: readonly FaultProxy[] }[];
}

/** The target that is the network between a gateway and Redis. */
export function redisNetworkOf({ name }: ChaosGateway): string {
  return `redis network of ${name}`;
}

const networks: readonly Network[] = [
  {
    name: 'client',
    between: 'between clients and a gateway',
    proxiesOf: ({ gateways }) =>
      gateways.map(({ name, clientProxy }) => ({ name, proxies: [clientProxy] })),
  },
  {
    name: 'redis',
    between: 'between a gateway and Redis',
    proxiesOf: ({ gateways }) =>
      gateways.map(({ name, redisProxies }) => ({ name, proxies: redisProxies })),
  },
];

function networkFault(network: Network, trouble: Trouble): FaultKind {
  const targets = (setUp: SetUp): FaultTarget[] =>
    network.proxiesOf(setUp).map(({ name, proxies }) => ({
      name: `${network.name} network of ${name}`,
      async run({ random, forMs, wait }) {
        const made = trouble.make(random);
        try {
          for (const proxy of proxies) proxy.set(made);
          await wait(forMs);
        } finally {
          for (const proxy of proxies) proxy.set(null);
        }
      },
    }));
  return {
    name: `${network.name}-${trouble.name}`,
    about: `${network.between} ${trouble.about}`,
    lasts: trouble.lasts,
    mayLoseMs: nothing,
    whyNot: () => null,
    targets,
  };
}

/** What networks do, by proxies that stand in them. */
export const networkFaults: readonly FaultKind[] = networks.flatMap((network) =>
  troubles.map((trouble) => networkFault(network, trouble)),
);
