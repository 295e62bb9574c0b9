import { ArrowDown, ArrowUp, Minus } from "lucide-react";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";

/** By how much a value is more or less than the one before, said and not only coloured. */
export function Change({ value, before }: { value: number; before: number | null }) {
  const { t, language } = useTexts();
  if (!before)
    return (
      <span className="change" role="img" aria-label={t("change.none")} title={t("change.none")}>
        –
      </span>
    );
  const share = value / before - 1;
  const direction = Math.abs(share) < 0.0005 ? "same" : share > 0 ? "up" : "down";
  const Icon = { up: ArrowUp, down: ArrowDown, same: Minus }[direction];
  const said = t(`change.${direction}`, { change: formatPercent(Math.abs(share), language) });
  return (
    <span
      className={`change ${direction}`}
      role="img"
      aria-label={said}
      title={`${said}: ${formatNumber(before, language)}`}
    >
      <Icon size={13} aria-hidden="true" />
      {formatPercent(Math.abs(share), language)}
    </span>
  );
}
