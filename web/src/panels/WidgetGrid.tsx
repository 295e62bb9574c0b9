import type { ReactNode } from "react";
import type { Widget } from "../api/saved";
import { placed } from "../state/layout";
import { Scrolling } from "./Panel";

/** Widgets where they were put; below each other on a phone, in the order they are read in. */
export function WidgetGrid<Shown extends Pick<Widget, "id">>(props: {
  layout: unknown;
  widgets: readonly Shown[];
  children: (widget: Shown) => ReactNode;
}) {
  const byId = new Map(props.widgets.map((one) => [one.id, one]));
  return (
    <Scrolling value={true}>
      <div className="widgets">
        {placed(props.layout, props.widgets).map(({ i, x, y, w, h }) => {
          const widget = byId.get(i);
          return widget ? (
            <div
              key={i}
              className="widget"
              style={{ gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` }}
            >
              {props.children(widget)}
            </div>
          ) : null;
        })}
      </div>
    </Scrolling>
  );
}
