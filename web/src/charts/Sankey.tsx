import { type RefObject, useEffect, useRef, useState } from "react";
import { Scroll } from "../ui/Scroll";
import { COLORS, OTHER_COLOR } from "./rows";
import { layoutOf, NODE_WIDTH, type SankeyLink, type SankeyNode } from "./sankey";

export interface NamedNode extends SankeyNode {
  name: string;
  other: boolean;
}

const LABELS = 140;
const COLUMN = 150;
const LETTERS = 15;

/** Ways as ribbons from step to step; the tables beside it say the same. */
export default function Sankey(props: {
  label: string;
  nodes: readonly NamedNode[];
  links: readonly SankeyLink[];
  format: (people: number) => string;
  onNode: (node: NamedNode) => void;
  onLink: (link: SankeyLink) => void;
  /** Names the step of a column, counted from 1. */
  stepName: (step: number) => string;
}) {
  const { nodes, links, format } = props;
  const box = useRef<HTMLDivElement>(null);
  const room = useWidth(box);
  const steps = [...new Set(nodes.map(({ step }) => step))].sort((one, other) => one - other);
  const width = Math.max(room, (steps.length - 1) * COLUMN + LABELS);
  const crowded = Math.max(...steps.map((step) => nodes.filter((one) => one.step === step).length), 1);
  const height = Math.max(300, crowded * 44);
  const { nodes: placed, ribbons } = layoutOf(nodes, links, { width, height, labels: LABELS });
  const names = [...new Set(nodes.filter(({ other }) => !other).map(({ name }) => name))];
  const colorOf = (node: NamedNode) => (node.other ? OTHER_COLOR : COLORS[names.indexOf(node.name) % COLORS.length]);
  const byId = new Map(nodes.map((one) => [one.id, one]));
  const nameOf = (id: string) => byId.get(id)?.name ?? "";
  return (
    <Scroll className="sankey" box={box} label={props.label}>
      {room ? (
        <svg
          className="drawing"
          width={width}
          height={height + 34}
          viewBox={`0 -26 ${width} ${height + 34}`}
          role="img"
          aria-label={props.label}
        >
          {steps.map((step) => (
            <text key={step} className="sankey-step" x={placed.find(({ node }) => node.step === step)?.x} y={-12}>
              {props.stepName(step)}
            </text>
          ))}
          {ribbons.map(({ link, path, width: thick }) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the tables below are the keyboard's way
            <path
              key={`${link.source}-${link.target}`}
              className="ribbon"
              d={path}
              strokeWidth={thick}
              stroke={colorOf(byId.get(link.source) as NamedNode)}
              fill="none"
              onClick={() => props.onLink(link)}
            >
              <title>{`${nameOf(link.source)} → ${nameOf(link.target)}: ${format(link.people)}`}</title>
            </path>
          ))}
          {placed.map(({ node, x, y, height: high }) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the tables below are the keyboard's way
            <g key={node.id} className="sankey-node" onClick={() => props.onNode(node)}>
              <rect x={x} y={y} width={NODE_WIDTH} height={high} rx={2} fill={colorOf(node)} />
              <text x={x + NODE_WIDTH + 6} y={y + Math.min(high / 2, 14)}>
                {node.name.length > LETTERS ? `${node.name.slice(0, LETTERS - 1)}…` : node.name}
                <tspan className="sankey-count" dx={6}>
                  {format(node.people)}
                </tspan>
              </text>
              <title>{`${node.name}: ${format(node.people)}`}</title>
            </g>
          ))}
        </svg>
      ) : null}
    </Scroll>
  );
}

/** How wide an element is, as it changes. */
function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  return width;
}
