import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";

/** A number that opens whom it counts. */
export function Count(props: { value: number; label: string; onOpen?: () => void }) {
  const { language } = useTexts();
  const text = formatNumber(props.value, language);
  return props.value && props.onOpen ? (
    <button type="button" className="count" aria-label={`${text} – ${props.label}`} onClick={props.onOpen}>
      {text}
    </button>
  ) : (
    text
  );
}
