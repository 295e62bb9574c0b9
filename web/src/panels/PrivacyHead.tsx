import type { ReactNode } from "react";
import { useTexts } from "../i18n";
import { useScope } from "../state/scope";
import { Tabs } from "./Tabs";

/** The head of the pages about people's data: what they may ask for, and what is not stored of them. */
export function PrivacyHead({ about, children }: { about: string; children?: ReactNode }) {
  const { t } = useTexts();
  const { project } = useScope();
  return (
    <>
      <div className="controls">
        <h1>{t("jobs.nav.privacy")}</h1>
        <div className="control-row">{children}</div>
      </div>
      <Tabs
        label={t("jobs.nav.privacy")}
        project={project}
        tabs={[
          { to: "/p/$project/privacy", text: t("jobs.erasures.tab") },
          { to: "/p/$project/privacy/access", text: t("jobs.access.tab") },
          { to: "/p/$project/privacy/rules", text: t("jobs.rules.tab") },
          { to: "/p/$project/privacy/scans", text: t("jobs.scans.tab") },
        ]}
      />
      <p className="about">{about}</p>
    </>
  );
}
