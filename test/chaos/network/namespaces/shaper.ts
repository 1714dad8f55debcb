import type { NetworkTrouble, TroubleKind } from '../line';
import { run } from './commands';
import type { Node, Router } from './router';

type Shape = Extract<NetworkTrouble, { kind: 'slow' | 'lossy' | 'narrow' }>;
type ShapeKind = Shape['kind'];

/** Each with what it is tried out with. */
const samples: readonly Shape[] = [
  { kind: 'slow', delayMs: 1, jitterMs: 1 },
  { kind: 'lossy', share: 0.01 },
  { kind: 'narrow', kilobitsPerSecond: 100_000 },
];
const needs: Record<ShapeKind, string> = {
  slow: 'the kernel has no netem (CONFIG_NET_SCH_NETEM)',
  lossy: 'the kernel has no netem (CONFIG_NET_SCH_NETEM), and nftables cannot drop by chance',
  narrow: 'the kernel has no tbf (CONFIG_NET_SCH_TBF)',
};
const percent = 100;
const perMille = 1_000;
/** What waits for its turn in a narrow network: some packets, and no longer than this. */
const narrowQueue = 'burst 32kb latency 400ms';

/** What leaves there is treated so; `undo` treats it as ever. */
interface Way {
  apply(node: Node, shape: Shape): Promise<void>;
  undo(node: Node): Promise<void>;
}

/** What queues of the kernel do to packets. */
const byQueue: Way = {
  async apply({ ends }, shape) {
    for (const { namespace, device } of ends) {
      const queue = queueOf(shape).split(' ');
      await run(['tc', '-n', namespace, 'qdisc', 'replace', 'dev', device, 'root', ...queue]);
    }
  },
  async undo({ ends }) {
    for (const { namespace, device } of ends) {
      await run(['tc', '-n', namespace, 'qdisc', 'delete', 'dev', device, 'root']);
    }
  },
};

function queueOf(shape: Shape): string {
  switch (shape.kind) {
    case 'slow':
      // More than one connection's window of packets waits.
      return `netem limit 10000 delay ${ms(shape.delayMs)} ${ms(shape.jitterMs)}`;
    case 'lossy':
      return `netem limit 10000 loss ${(shape.share * percent).toFixed(1)}%`;
    case 'narrow':
      return `tbf rate ${shape.kilobitsPerSecond.toFixed()}kbit ${narrowQueue}`;
  }
}

const ms = (value: number) => `${value.toFixed(1)}ms`;

const tableOf = ({ host }: Node) => `ip lossy-${host.replaceAll('.', '-')}`;

/** Where the kernel has no netem, nftables may lose packets in the router. */
function byFilter(router: Router): Way {
  const nft = (script: string) =>
    run(['ip', 'netns', 'exec', router.namespace, 'nft', '-f', '-'], script);
  return {
    async apply(node, shape) {
      if (shape.kind !== 'lossy') throw new Error(`nftables cannot be ${shape.kind}`);
      const lost = `numgen random mod ${perMille} < ${Math.round(shape.share * perMille)} drop`;
      const chain = [
        'type filter hook forward priority 0; policy accept;',
        ...['saddr', 'daddr'].map((end) => `ip ${end} ${node.host} ${lost}`),
      ];
      await nft(`table ${tableOf(node)} {\nchain forward {\n${chain.join('\n')}\n}\n}\n`);
    },
    undo: async (node) => void (await nft(`delete table ${tableOf(node)}\n`)),
  };
}

/**
 * Makes the network of a node slow, lossy or narrow, as far as the kernel can.
 */
export class Shaper {
  private constructor(private readonly ways: ReadonlyMap<ShapeKind, Way>) {}

  /** Finds out what the kernel can, by doing it to a node that nobody uses yet. */
  static async open(router: Router, node: Node): Promise<Shaper> {
    const ways = new Map<ShapeKind, Way>();
    for (const sample of samples) {
      const possible = sample.kind === 'lossy' ? [byQueue, byFilter(router)] : [byQueue];
      for (const way of possible) {
        if (ways.has(sample.kind) || !(await works(way, node, sample))) continue;
        ways.set(sample.kind, way);
      }
    }
    return new Shaper(ways);
  }

  /** Null where it can. */
  whyNot(kind: ShapeKind): string | null {
    return this.ways.has(kind) ? null : needs[kind];
  }

  /** Returns what takes it back. */
  async shape(node: Node, shape: Shape): Promise<() => Promise<void>> {
    const way = this.ways.get(shape.kind);
    if (way === undefined) throw new Error(needs[shape.kind]);
    await way.apply(node, shape);
    return () => way.undo(node);
  }
}

export function isShape(trouble: NetworkTrouble): trouble is Shape {
  return isShapeKind(trouble.kind);
}

export function isShapeKind(kind: TroubleKind): kind is ShapeKind {
  return Object.hasOwn(needs, kind);
}

async function works(way: Way, node: Node, sample: Shape): Promise<boolean> {
  try {
    await way.apply(node, sample);
    await way.undo(node);
    return true;
  } catch {
    return false;
  }
}
