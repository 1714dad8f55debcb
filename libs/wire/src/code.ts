/**
 * Collects the lines of a function that is being generated, and hands out names for its variables.
 */
export class Code {
  private readonly lines: string[] = [];
  private names = 0;

  add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** A variable name that nothing else uses. */
  name(): string {
    this.names += 1;
    return `v${this.names}`;
  }

  toString(): string {
    return this.lines.join('\n');
  }
}

/**
 * Makes a function out of the generated body. The body sees the helpers under their own names.
 * Everything in it comes from the schemas of this library, nothing from the network.
 */
export function build<F>(helpers: Readonly<Record<string, unknown>>, body: string): F {
  const make: unknown = Reflect.construct(Function, [...Object.keys(helpers), body]);
  return (make as (...values: unknown[]) => F)(...Object.values(helpers));
}
