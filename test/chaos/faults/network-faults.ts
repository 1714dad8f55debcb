import { together, type Line, type NetworkTrouble, type TroubleKind } from '../network/line';
import type { SeededRandom } from '../seeded-random';
import type { ChaosGateway } from '../set-ups/chaos-gateway';
import type { SetUp } from '../set-ups/set-up';
import type { FaultKind, FaultTarget } from './fault-kind';
import { nothing } from './promises';

/** How often something is lost, of what passes. */
const lostShare = { least: 0.01, most: 0.15 };
/** What a connection gets through beside its repetitions: less than a workload writes. */
const narrow = { least: 300, most: 3_000 };
const slowMs = { least: 20, most: 300 };

interface Trouble {
  about: string;
  lasts: FaultKind['lasts'];
  make: (random: SeededRandom) => NetworkTrouble;
}

const share = (random: SeededRandom) => random.between(lostShare.least, lostShare.most);

const troubles: Record<TroubleKind, Trouble> = {
  'lost-replies': {
    about: 'requests arrive, and answers are lost with their connections',
    lasts: { least: 1, most: 8 },
    make: (random) => ({ kind: 'lost-replies', share: share(random) }),
  },
  'lost-requests': {
    about: 'requests are lost with their connections',
    lasts: { least: 1, most: 8 },
    make: (random) => ({ kind: 'lost-requests', share: share(random) }),
  },
  slow: {
    about: 'everything takes longer, and not always as long',
    lasts: { least: 2, most: 10 },
    make: (random) => {
      const delayMs = random.between(slowMs.least, slowMs.most);
      return { kind: 'slow', delayMs, jitterMs: delayMs };
    },
  },
  silent: {
    about: 'connections stay, and nothing gets through',
    lasts: { least: 0.5, most: 9 },
    make: () => ({ kind: 'silent' }),
  },
  cut: {
    about: 'every connection is cut, and each new one',
    lasts: { least: 0, most: 6 },
    make: () => ({ kind: 'cut' }),
  },
  'no-requests': {
    about: 'no request gets through, and answers do',
    lasts: { least: 0.5, most: 9 },
    make: () => ({ kind: 'no-requests' }),
  },
  'no-replies': {
    about: 'requests get through, and no answer does',
    lasts: { least: 0.5, most: 9 },
    make: () => ({ kind: 'no-replies' }),
  },
  lossy: {
    about: 'packets are lost now and then',
    lasts: { least: 2, most: 10 },
    make: (random) => ({ kind: 'lossy', share: share(random) }),
  },
  narrow: {
    about: 'little gets through at a time',
    lasts: { least: 2, most: 10 },
    make: (random) => ({
      kind: 'narrow',
      kilobitsPerSecond: random.between(narrow.least, narrow.most),
    }),
  },
};

interface Network {
  name: 'client' | 'redis' | 'gateway';
  between: string;
  troubles: readonly TroubleKind[];
  lineOf: (gateway: ChaosGateway) => Line;
  /** Other networks that are parts of it. */
  parts?: (gateway: ChaosGateway) => readonly string[];
}

const ofConnections = ['lost-replies', 'lost-requests', 'slow', 'silent', 'cut'] as const;
const ofPackets = ['no-requests', 'no-replies'] as const;

/** The target that is the network between a gateway and Redis. */
export function redisNetworkOf({ name }: ChaosGateway): string {
  return `redis network of ${name}`;
}

function clientNetworkOf({ name }: ChaosGateway): string {
  return `client network of ${name}`;
}

const networks: readonly Network[] = [
  {
    name: 'client',
    between: 'between clients and a gateway',
    troubles: [...ofConnections, ...ofPackets],
    lineOf: ({ place }) => place.clientLine,
  },
  {
    name: 'redis',
    between: 'between a gateway and Redis',
    troubles: [...ofConnections, ...ofPackets],
    lineOf: ({ place }) => together(place.redisLines),
  },
  {
    name: 'gateway',
    between: 'between a gateway and everybody',
    troubles: ['silent', 'slow', 'lossy', 'narrow'],
    lineOf: ({ place }) => place.line,
    parts: (gateway) => [clientNetworkOf(gateway), redisNetworkOf(gateway)],
  },
];

function networkFault({ name, between, lineOf, parts }: Network, kind: TroubleKind): FaultKind {
  const { about, lasts, make } = troubles[kind];
  const targets = ({ gateways }: SetUp): FaultTarget[] =>
    gateways.map((gateway) => ({
      name: `${name} network of ${gateway.name}`,
      uses: parts?.(gateway) ?? [],
      async run({ random, forMs, wait }) {
        const line = lineOf(gateway);
        try {
          await line.set(make(random));
          await wait(forMs);
        } finally {
          await line.set(null);
        }
      },
    }));
  return {
    name: `${name}-${kind}`,
    about: `${between} ${about}`,
    lasts,
    mayLoseMs: nothing,
    whyNot: ({ gateways }) => lineOf(gateways[0]!).whyNot(kind),
    targets,
  };
}

/** What networks do. */
export const networkFaults: readonly FaultKind[] = networks.flatMap((network) =>
  network.troubles.map((kind) => networkFault(network, kind)),
);
