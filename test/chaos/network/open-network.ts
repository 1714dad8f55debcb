import type { SeededRandom } from '../seeded-random';
import type { ChaosNetwork, NetworkKind } from './chaos-network';
import { NamespaceNetwork } from './namespaces/namespace-network';
import { ProxyNetwork } from './proxy-network';

type Open = (random: SeededRandom) => ChaosNetwork | Promise<ChaosNetwork>;

/** What the networks of a run may be made of. */
export const networks: Record<NetworkKind, { about: string; open: Open }> = {
  proxies: {
    about: 'proxies between processes; they know requests and answers, and close connections',
    open: (random) => new ProxyNetwork(random),
  },
  namespaces: {
    about: 'network namespaces, which drop packets in silence; Linux, root and iproute2',
    open: () => NamespaceNetwork.open(),
  },
};

/** @throws Error where this machine cannot have such a network */
export async function openNetwork(kind: NetworkKind, random: SeededRandom): Promise<ChaosNetwork> {
  return networks[kind].open(random);
}
