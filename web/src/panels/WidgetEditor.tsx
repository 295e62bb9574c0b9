import "react-grid-layout/css/styles.css";
import { Move as MoveIcon } from "lucide-react";
import { type ReactNode, useState } from "react";
import GridLayout, { useContainerWidth } from "react-grid-layout";
import type { Widget } from "../api/saved";
import { useTexts } from "../i18n";
import { COLUMNS, LEAST, type Move, moved, type Place } from "../state/layout";
import { Menu, MenuItem, MenuLine } from "../ui/menu";
import { Scrolling } from "./Panel";

const MOVES: readonly Move[] = ["left", "right", "up", "down", "wider", "narrower", "taller", "shorter"];
export const ROW_PX = 62;
export const GAP_PX = 14;

/** Widgets to be dragged by their head and resized at their corner, or moved by the menu each has. */
export default function WidgetEditor(props: {
  widgets: readonly Widget[];
  places: readonly Place[];
  onPlaces: (places: Place[]) => void;
  onRemove: (id: string) => void;
  children: (widget: Widget) => ReactNode;
}) {
  const { t } = useTexts();
  const { width, containerRef, mounted } = useContainerWidth();
  const [said, setSaid] = useState("");
  const byId = new Map(props.widgets.map((one) => [one.id, one]));
  const titleOf = (id: string) => byId.get(id)?.title || t("dashboards.untitled");
  const run = (id: string, move: Move) => {
    const places = moved(props.places, id, move);
    const now = places.find(({ i }) => i === id);
    props.onPlaces(places);
    if (now) setSaid(t("dashboards.moved", { title: titleOf(id), x: now.x + 1, y: now.y + 1, w: now.w, h: now.h }));
  };
  return (
    <div className="editor-scroll">
      <div ref={containerRef as never} className="widgets-editor">
        {/* The library would put a style element here, which our Content-Security-Policy refuses; the rule is in explore.css. */}
        <span id="react-draggable-style-el" hidden />
        <p role="status" className="hidden">
          {said}
        </p>
        {mounted ? (
          <GridLayout
            width={width}
            layout={props.places.map((one) => ({ ...one, minW: LEAST.w, minH: LEAST.h }))}
            gridConfig={{ cols: COLUMNS, rowHeight: ROW_PX, margin: [GAP_PX, GAP_PX], containerPadding: [0, 0] }}
            dragConfig={{ enabled: true, handle: ".panel-head", cancel: "button, input, label" }}
            onDragStop={(layout) => props.onPlaces(layout.map(placeOf))}
            onResizeStop={(layout) => props.onPlaces(layout.map(placeOf))}
          >
            {props.places.map(({ i }) => {
              const widget = byId.get(i);
              return (
                <div key={i} className="widget">
                  {widget ? <Scrolling value={true}>{props.children(widget)}</Scrolling> : null}
                  <div className="widget-tools">
                    <Menu
                      label={t("dashboards.menu", { title: titleOf(i) })}
                      className="icon-button framed"
                      align="end"
                      trigger={<MoveIcon size={15} />}
                    >
                      {MOVES.map((move) => (
                        <MenuItem key={move} onSelect={() => run(i, move)}>
                          {t(`dashboards.${move}`)}
                        </MenuItem>
                      ))}
                      <MenuLine />
                      <MenuItem onSelect={() => props.onRemove(i)}>{t("dashboards.remove")}</MenuItem>
                    </Menu>
                  </div>
                </div>
              );
            })}
          </GridLayout>
        ) : null}
      </div>
    </div>
  );
}

const placeOf = ({ i, x, y, w, h }: Place): Place => ({ i, x, y, w, h });
