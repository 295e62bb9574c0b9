/** A line without axes; the number beside it says what it means, so it is hidden from screen readers. */
export function Sparkline(props: { values: readonly (number | null)[]; openFrom: number }) {
  const values = props.values.map((value) => value ?? 0);
  if (values.length < 2) return null;
  const most = Math.max(...values, 1);
  const at = (value: number, place: number) =>
    `${((place / (values.length - 1)) * 100).toFixed(2)} ${(30 - (value / most) * 26).toFixed(2)}`;
  const points = values.map(at);
  const full = points.slice(0, Math.max(props.openFrom, 1));
  const open = points.slice(Math.max(props.openFrom - 1, 0));
  return (
    <svg className="spark" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">
      <path className="spark-fill" d={`M0 32L${points.join("L")}L100 32Z`} />
      {full.length > 1 ? <path className="spark-line" d={`M${full.join("L")}`} /> : null}
      {props.openFrom < values.length && open.length > 1 ? (
        <path className="spark-line open" d={`M${open.join("L")}`} />
      ) : null}
    </svg>
  );
}
