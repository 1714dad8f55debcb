import type { Labelled, MetricLabels, MetricOptions } from '@sluice/base';
import { baseLimits } from '@sluice/base';

/** What stands in each label of what is beyond the limit of sets. */
export const otherLabel = 'other';

/**
 * The cells of one metric, one for each set of label values up to the limit. Whoever sends names to
 * the gateway makes no more of them than that.
 */
export class LabelSets<Cell> implements Labelled<Cell> {
  readonly #cells = new Map<string, Cell>();
  readonly #labels: readonly string[];
  readonly #setsMax: number;
  #other: Cell | null = null;

  constructor(
    private readonly options: MetricOptions,
    private readonly make: (labels: MetricLabels) => Cell,
  ) {
    this.#labels = options.labels ?? [];
    this.#setsMax = options.labelSetsMax ?? baseLimits.labelSetsMax;
  }

  with(labels: MetricLabels): Cell {
    const key = this.#keyOf(labels);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    if (this.#cells.size >= this.#setsMax) return this.#rest();
    const cell = this.make({ ...labels });
    this.#cells.set(key, cell);
    return cell;
  }

  forget(labels: MetricLabels): void {
    this.#cells.delete(this.#keyOf(labels));
  }

  /** All cells that there are, the one for what is beyond the limit last. */
  *[Symbol.iterator](): Iterator<Cell> {
    yield* this.#cells.values();
    if (this.#other !== null) yield this.#other;
  }

  #rest(): Cell {
    this.#other ??= this.make(Object.fromEntries(this.#labels.map((name) => [name, otherLabel])));
    return this.#other;
  }

  /** @throws Error where a label has no value, or a value is of no label: a fault of the caller */
  #keyOf(labels: MetricLabels): string {
    const { name } = this.options;
    if (Object.keys(labels).length !== this.#labels.length) {
      throw new Error(`${name} has the labels ${this.#labels.join(', ')}, and no others`);
    }
    let key = '';
    for (const label of this.#labels) {
      const value = labels[label];
      if (value === undefined) throw new Error(`${name} was given no value for ${label}`);
      key += `${value.length}:${value}`;
    }
    return key;
  }
}
