import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import Markdown from "react-markdown";
import { useTexts } from "../i18n";
import { helpOf } from "../state/help";
import { FormError } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";

/** What a page is for and how it is used. HTML in the file is left out, and an address that is no web page's, too. */
export default function ToolsHelp({
  page,
  onClose,
  onKeys,
}: {
  page: string;
  onClose: () => void;
  onKeys: () => void;
}) {
  const { t, chosen } = useTexts();
  const query = useQuery({
    queryKey: ["help", page, chosen],
    queryFn: () => helpOf(page, chosen),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Dialog title={t("tools.help.title")} close={t("keys.close")} onClose={onClose} drawer>
      <FormError error={query.error ?? undefined} />
      {query.data === undefined ? (
        <div className="skeleton" role="status" aria-label={t("panel.loading")} />
      ) : (
        <article className="help">
          <Markdown skipHtml components={{ h1: Title, a: Outside }}>
            {query.data}
          </Markdown>
        </article>
      )}
      <button type="button" className="link" onClick={onKeys}>
        {t("shell.keys")}
      </button>
    </Dialog>
  );
}

/** The drawer has a title of its own. */
const Title = ({ children }: { children?: ReactNode }) => <h3 className="help-title">{children}</h3>;

const Outside = ({ href, children }: { href?: string; children?: ReactNode }) => (
  <a href={href} target="_blank" rel="noreferrer">
    {children}
  </a>
);
