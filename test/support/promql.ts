/** What is used here of a node of the parser's tree. */
interface TreeNode {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly firstChild: TreeNode | null;
  readonly nextSibling: TreeNode | null;
}

interface Grammar {
  parser: { parse(text: string): { topNode: TreeNode } };
}

/** A metric that a query asks for, and the labels that it asks of it. */
export interface Selected {
  metric: string;
  labels: readonly string[];
  /** Values that a label has to have, exactly. */
  values: Readonly<Record<string, string>>;
}

/** What a query of Prometheus uses. */
export interface QueryUse {
  selected: readonly Selected[];
  /** Labels by which it groups or matches. */
  grouped: readonly string[];
}

/**
 * Reads a query by Prometheus' own grammar. What Grafana puts in place of its variables is put in.
 *
 * @throws Error where it is no query
 */
export function readQuery(text: string): QueryUse {
  const query = text.replaceAll(/\$__(?:rate_)?interval\b/g, '5m');
  const { parser } = jest.requireActual<Grammar>('@prometheus-io/lezer-promql');
  const selected: Selected[] = [];
  const grouped: string[] = [];
  const textOf = ({ from, to }: TreeNode) => query.slice(from, to);
  const visit = (node: TreeNode): void => {
    if (node.name === '⚠') {
      throw new Error(`no query at ${node.from}: ${query}`);
    }
    if (node.name === 'VectorSelector') selected.push(selectorOf(node, textOf));
    if (node.name === 'GroupingLabels') {
      for (const label of childrenOf(node)) grouped.push(textOf(label));
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(parser.parse(query).topNode);
  return { selected, grouped };
}

function selectorOf(node: TreeNode, textOf: (node: TreeNode) => string): Selected {
  const children = childrenOf(node);
  const metric = children.find(({ name }) => name === 'Identifier');
  const matchers = children
    .filter(({ name }) => name === 'LabelMatchers')
    .flatMap((matcher) => childrenOf(matcher));
  const labels: string[] = [];
  const values: Record<string, string> = {};
  for (const matcher of matchers) {
    const [label, operator, value] = childrenOf(matcher).map(textOf);
    labels.push(label!);
    if (operator === '=' && !value!.includes('$')) values[label!] = value!.slice(1, -1);
  }
  return { metric: metric ? textOf(metric) : '', labels, values };
}

function childrenOf(node: TreeNode): TreeNode[] {
  const children: TreeNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}
