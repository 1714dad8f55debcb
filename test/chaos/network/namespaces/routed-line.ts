import type { Line, NetworkTrouble, TroubleKind } from '../line';
import type { Node, Router } from './router';
import { isShape, isShapeKind, type Shaper } from './shaper';

/** From where to where requests go; null: everybody. */
export interface Ends {
  from: string | null;
  to: string | null;
}

/** The network of one node as a whole, which can be shaped. */
export interface Whole {
  node: Node;
  shaper: Shaper;
}

const blocked: Partial<Record<TroubleKind, (ends: Ends) => Ends[]>> = {
  silent: (ends) => [ends, answersOf(ends)],
  'no-requests': (ends) => [ends],
  'no-replies': (ends) => [answersOf(ends)],
};

const answersOf = ({ from, to }: Ends): Ends => ({ from: to, to: from });

/** A network of packets between two sides; what it does not pass on is dropped in the router. */
export class RoutedLine implements Line {
  #undo: () => Promise<void> = () => Promise.resolve();

  /** @param whole missing: what two nodes send each other is a part of what each sends */
  constructor(
    private readonly router: Router,
    private readonly ends: Ends,
    private readonly whole: Whole | null = null,
  ) {}

  whyNot(kind: TroubleKind): string | null {
    if (blocked[kind] !== undefined) return null;
    if (!isShapeKind(kind)) return 'it needs proxies, which know requests and answers';
    return this.whole === null ? 'a namespace has it as a whole' : this.whole.shaper.whyNot(kind);
  }

  async set(trouble: NetworkTrouble | null): Promise<void> {
    const undo = this.#undo;
    this.#undo = () => Promise.resolve();
    await undo();
    if (trouble !== null) this.#undo = await this.#make(trouble);
  }

  #make(trouble: NetworkTrouble): Promise<() => Promise<void>> {
    const why = this.whyNot(trouble.kind);
    if (why !== null) throw new Error(why);
    if (isShape(trouble)) return this.whole!.shaper.shape(this.whole!.node, trouble);
    return this.router.block(blocked[trouble.kind]!(this.ends));
  }
}
