import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useTexts } from "../i18n";

/** Code or data as text, with a button to copy it. */
export function CodeBlock({ code }: { code: string }) {
  const { t } = useTexts();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className="json" tabIndex={0}>
        {code}
      </pre>
      <button type="button" className="button" onClick={() => void copy()}>
        {copied ? <Check size={15} aria-hidden="true" /> : <Copy size={15} aria-hidden="true" />}
        <span aria-live="polite">{copied ? t("events.copied") : t("install.copy")}</span>
      </button>
    </div>
  );
}
