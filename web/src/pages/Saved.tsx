import "../ui/admin.css";
import { useQuery } from "@tanstack/react-query";
import { useApi } from "../api/client";
import { membersOf } from "../api/people";
import { useTexts } from "../i18n";
import { SavedQueries } from "../panels/AdminDefinitions";
import { AllShares } from "../panels/AdminShares";
import { useMay, useProject } from "../state/may";

/** What a team has saved and given away in a project: its queries, and the links to its dashboards. */
export default function Saved() {
  const { t } = useTexts();
  const may = useMay();
  const organisation = useProject()?.organisation_id ?? "";
  const members = useQuery({ ...membersOf(useApi(), organisation), enabled: organisation !== "" }).data;
  const nameOf = (id: string | null) => {
    if (!id) return t("admin.saved.byKey");
    const found = members?.find(({ user_id }) => user_id === id);
    return found ? found.name || found.email : members ? t("admin.saved.left") : "…";
  };
  return (
    <>
      <div className="controls">
        <h1>{t("admin.nav.saved")}</h1>
      </div>
      <p className="about">{t("admin.saved.about")}</p>
      <div className="stack">
        <SavedQueries nameOf={nameOf} />
        {may("shares.read") ? <AllShares nameOf={nameOf} /> : null}
      </div>
    </>
  );
}
