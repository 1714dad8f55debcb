import type { ChaosGateway } from '../set-ups/chaos-gateway';
import type { FaultKind, FaultScene } from './fault-kind';
import { nothing } from './promises';

const stopMsMax = 15_000;

type Act = (gateway: ChaosGateway, scene: FaultScene) => Promise<void>;

function gatewayFault(about: Pick<FaultKind, 'name' | 'about' | 'lasts'>, act: Act): FaultKind {
  return {
    ...about,
    mayLoseMs: nothing,
    whyNot: () => null,
    targets: ({ gateways }) =>
      gateways.map((gateway) => ({
        name: gateway.name,
        run: (scene: FaultScene) => act(gateway, scene),
      })),
  };
}

/** What happens to the processes of gateways. */
export const gatewayFaults: readonly FaultKind[] = [
  gatewayFault(
    {
      name: 'gateway-kill',
      about: 'SIGKILL to a gateway, and a new start',
      lasts: { least: 0, most: 5 },
    },
    async (gateway, { forMs, wait }) => {
      await gateway.kill();
      await wait(forMs);
      await gateway.start();
    },
  ),
  gatewayFault(
    {
      name: 'gateway-stop',
      about: 'SIGTERM to a gateway, and a new start',
      lasts: { least: 0, most: 5 },
    },
    async (gateway, { forMs, wait }) => {
      await gateway.stop(stopMsMax);
      await wait(forMs);
      await gateway.start();
    },
  ),
  gatewayFault(
    {
      name: 'gateway-pause',
      about: 'SIGSTOP to a gateway, past its sessions or not, and SIGCONT',
      lasts: { least: 1, most: 12 },
    },
    async (gateway, { forMs, wait }) => {
      gateway.pause();
      try {
        await wait(forMs);
      } finally {
        gateway.resume();
      }
    },
  ),
];
