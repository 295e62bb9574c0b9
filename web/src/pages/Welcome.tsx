import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { me } from "../api/account";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { sentenceOf } from "../panels/Panel";
import { ProjectForm } from "../panels/ProjectForm";
import { may } from "../state/may";
import { AccountPage } from "../ui/AccountPage";

/** The first run: a project, then how to send the first event. */
export default function Welcome() {
  const { t } = useTexts();
  const navigate = useNavigate();
  const { data, error } = useQuery(me(useApi()));
  const allowed =
    data && (data.organisations.length === 0 || data.organisations.some(({ role }) => may(role, "project.create")));
  return (
    <AccountPage title={t("projects.first")} foot={<Link to="/account">{t("nav.account")}</Link>}>
      {error ? (
        <p className="form-error" role="alert">
          {sentenceOf(error, t)}
        </p>
      ) : null}
      {allowed === false ? <p className="notice">{t("projects.ask")}</p> : null}
      {allowed ? (
        <ProjectForm large onMade={(project) => navigate({ to: "/p/$project/install", params: { project } })} />
      ) : null}
    </AccountPage>
  );
}
