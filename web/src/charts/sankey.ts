/** Where the nodes and links of ways lie: a column a step, as high as there are people. */
export interface SankeyNode {
  id: string;
  step: number;
  people: number;
  ended: number;
}
export interface SankeyLink {
  source: string;
  target: string;
  people: number;
}
export interface Placed<Node extends SankeyNode> {
  node: Node;
  x: number;
  y: number;
  height: number;
}
export interface Ribbon {
  link: SankeyLink;
  /** The middle of a curve as wide as its people. */
  path: string;
  width: number;
}

export const NODE_WIDTH = 10;
const GAP = 18;
const LEAST = 3;

export interface Layout<Node extends SankeyNode> {
  nodes: Placed<Node>[];
  ribbons: Ribbon[];
}

/** Places nodes in the order given within `width` × `height`; links leave and arrive in the order of their nodes. */
export function layoutOf<Node extends SankeyNode>(
  nodes: readonly Node[],
  links: readonly SankeyLink[],
  size: { width: number; height: number; labels: number },
): Layout<Node> {
  const steps = [...new Set(nodes.map(({ step }) => step))].sort((one, other) => one - other);
  const columns = steps.map((step) => nodes.filter((one) => one.step === step));
  const crowded = Math.max(...columns.map(({ length }) => length), 1);
  const most = Math.max(...columns.map((column) => column.reduce((sum, { people }) => sum + people, 0)), 1);
  const scale = Math.max(size.height - (crowded - 1) * GAP, 60) / most;
  const across = steps.length > 1 ? (size.width - size.labels - NODE_WIDTH) / (steps.length - 1) : 0;
  const placed = columns.flatMap((column, place) => {
    let y = 0;
    return column.map((node) => {
      const one = { node, x: place * across, y, height: Math.max(node.people * scale, LEAST) };
      y += one.height + GAP;
      return one;
    });
  });
  const at = new Map(placed.map((one, place) => [one.node.id, { ...one, place }]));
  const known = links.flatMap((link) => {
    const source = at.get(link.source);
    const target = at.get(link.target);
    return source && target ? [{ link, source, target }] : [];
  });
  const ordered = known.toSorted(
    (one, other) => one.source.place - other.source.place || one.target.place - other.target.place,
  );
  const left = new Map<string, number>();
  const arrived = new Map<string, number>();
  const ribbons = ordered.map(({ link, source, target }) => {
    const width = Math.max(link.people * scale, 1);
    const from = source.y + (left.get(link.source) ?? 0) + width / 2;
    const to = target.y + (arrived.get(link.target) ?? 0) + width / 2;
    left.set(link.source, (left.get(link.source) ?? 0) + width);
    arrived.set(link.target, (arrived.get(link.target) ?? 0) + width);
    const start = source.x + NODE_WIDTH;
    const middle = (start + target.x) / 2;
    const path = `M${round(start)} ${round(from)}C${round(middle)} ${round(from)} ${round(middle)} ${round(to)} ${round(target.x)} ${round(to)}`;
    return { link, path, width: round(width) };
  });
  return { nodes: placed, ribbons };
}

const round = (value: number) => Math.round(value * 10) / 10;
