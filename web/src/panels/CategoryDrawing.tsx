import { lazy, Suspense } from "react";
import type { CategoryChartProps } from "../charts/CategoryChart";

const CategoryChart = lazy(() => import("../charts/CategoryChart"));

/** A chart of categories, loaded when it is drawn, with its legend where there are several series. */
export function CategoryDrawing(props: CategoryChartProps & { low?: boolean }) {
  return (
    <>
      <div className={props.low ? "chart low" : "chart"}>
        <Suspense fallback={<div className="skeleton" />}>
          <CategoryChart {...props} />
        </Suspense>
      </div>
      {props.series.length > 1 ? (
        <ul className="legend">
          {props.series.map(({ key, name, color, faint }) => (
            <li key={key}>
              <i className={faint ? "swatch faint" : "swatch"} style={{ background: color }} />
              <bdi>{name}</bdi>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}
