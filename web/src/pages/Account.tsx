import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import {
  changePassword,
  changeProfile,
  endEverySession,
  endOtherSessions,
  endSession,
  type Me,
  me,
  resendVerification,
  type SignIn,
  signIns,
} from "../api/account";
import { useApi } from "../api/client";
import { changeLanguage, LANGUAGES, type Language, useTexts } from "../i18n";
import { formatAgo, formatDay } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { SecondFactor } from "../panels/SecondFactor";
import { useNow } from "../state/now";
import { THEMES, useTheme } from "../state/theme";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Field, Segmented, Select } from "../ui/form";

/** Who is signed in, how they sign in, where from, and how the app looks to them. */
export default function Account() {
  const { t } = useTexts();
  const query = useQuery(me(useApi()));
  return (
    <>
      <div className="controls">
        <h1>{t("account.title")}</h1>
      </div>
      <div className="grid halves">
        <Panel title={t("account.profile")} query={query} className="short">
          {(user) => <Profile user={user} />}
        </Panel>
        <Look />
        <Panel title={t("account.password")} query={query} className="short">
          {(user) => (user.has_password ? <Password /> : <p className="faint">{t("account.noPassword")}</p>)}
        </Panel>
        <Panel title={t("factor.title")} query={query} className="short">
          {(user) => <SecondFactor user={user} />}
        </Panel>
        <Sessions />
      </div>
    </>
  );
}

function Profile({ user }: { user: Me }) {
  const { t, language } = useTexts();
  const api = useApi();
  const resend = useMutation({ mutationFn: () => resendVerification(api, { email: user.email }) });
  return (
    <div className="stack">
      <ProfileForm user={user} />
      <dl className="facts">
        <div>
          <dt>{t("signIn.email")}</dt>
          <dd>
            <bdi>{user.email}</bdi>{" "}
            <span className={user.email_verified ? "state stored" : "state queued"}>
              {user.email_verified ? t("account.verified") : t("account.unverified")}
            </span>
          </dd>
        </div>
        <div>
          <dt>{t("account.since")}</dt>
          <dd>{formatDay(user.created_at, language)}</dd>
        </div>
        <div>
          <dt>{t("account.organisations")}</dt>
          <dd>
            {user.organisations.map((one) => (
              <span key={one.id} className="line">
                <bdi>{one.name}</bdi> · {t(`roles.${one.role as "owner"}`)}
              </span>
            ))}
          </dd>
        </div>
      </dl>
      {user.email_verified ? null : resend.isSuccess ? (
        <p className="notice" role="status">
          {t("account.resent", { email: user.email })}
        </p>
      ) : (
        <>
          <FormError error={resend.error ?? undefined} />
          <p>
            <button type="button" className="button" aria-busy={resend.isPending} onClick={() => resend.mutate()}>
              {t("account.resend")}
            </button>
          </p>
        </>
      )}
    </div>
  );
}

/** How somebody is called, and the language of mails to them; the app's own language is beside it. */
function ProfileForm({ user }: { user: Me }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ name = "", language }) => {
    setSaved(false);
    const changed = await changeProfile(api, { name: name.trim(), language: language === "ru" ? "ru" : "en" });
    client.setQueryData(me(api).queryKey, changed);
    setSaved(true);
  });
  return (
    <form onSubmit={submit} onChange={() => setSaved(false)}>
      <div className="field-pair">
        <Field label={t("register.name")} name="name" defaultValue={user.name} maxLength={200} autoComplete="name" />
        <Select
          label={t("account.mails")}
          name="language"
          defaultValue={user.language}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, text: LANGUAGES[value] }))}
        />
      </div>
      <FormError error={error} />
      <p className="form-line">
        <button type="submit" className="button" aria-busy={busy}>
          {t("form.save")}
        </button>
        <span role="status" className="faint">
          {saved ? t("form.saved") : ""}
        </span>
      </p>
    </form>
  );
}

function Look() {
  const { t, chosen, instance } = useTexts();
  const [theme, setTheme] = useTheme();
  return (
    <section className="panel short" aria-labelledby="look">
      <header className="panel-head">
        <h2 id="look">{t("account.look")}</h2>
      </header>
      <div className="panel-body">
        <dl className="facts">
          <div>
            <dt>{t("shell.theme")}</dt>
            <dd>
              <Segmented
                label={t("shell.theme")}
                value={theme}
                options={THEMES.map((value) => ({ value, text: t(`shell.${value}`) }))}
                onChange={setTheme}
              />
            </dd>
          </div>
          <div>
            <dt>{t("shell.language")}</dt>
            <dd>
              <Segmented<Language>
                label={t("shell.language")}
                value={chosen}
                options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, text: LANGUAGES[value] }))}
                onChange={(value) => void changeLanguage(instance, value)}
              />
            </dd>
          </div>
        </dl>
      </div>
    </section>
  );
}

function Password() {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [ended, setEnded] = useState<number>();
  const { busy, error, submit } = useSubmit(async ({ current_password = "", new_password = "" }) => {
    const done = await changePassword(api, { current_password, new_password });
    setEnded(done.ended);
    await client.invalidateQueries({ queryKey: ["sessions"] });
  });
  return (
    <form onSubmit={submit} key={ended}>
      <FormError error={error} />
      {ended === undefined ? null : (
        <p className="notice" role="status">
          {t("account.passwordSaved", { count: ended })}
        </p>
      )}
      <Field
        label={t("account.current")}
        name="current_password"
        type="password"
        autoComplete="current-password"
        required
      />
      <Field
        label={t("forgot.newPassword")}
        name="new_password"
        type="password"
        autoComplete="new-password"
        minLength={8}
        hint={t("register.passwordHint")}
        required
      />
      <div>
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("account.change")}
        </button>
      </div>
    </form>
  );
}

const BROWSERS = ["Firefox", "Edg", "OPR", "YaBrowser", "Chrome", "Safari"];
const SYSTEMS = ["Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux"];

/** "Chrome, Linux" out of what a browser says of itself; what is none is shown as it is. */
export function deviceOf(agent: string): string {
  const browser = BROWSERS.find((name) => agent.includes(`${name}/`));
  const system = SYSTEMS.find((name) => agent.includes(name));
  const name = { Edg: "Edge", OPR: "Opera", YaBrowser: "Yandex" }[browser ?? ""] ?? browser;
  return name ? [name, system].filter(Boolean).join(", ") : agent.slice(0, 60);
}

function Sessions() {
  const { t, language } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const now = useNow(30_000);
  const query = useQuery(signIns(api));
  const [ending, setEnding] = useState<SignIn | "all" | "others">();
  const end = async () => {
    if (ending === "others") {
      await endOtherSessions(api);
      await client.invalidateQueries({ queryKey: ["sessions"] });
    } else if (ending === "all") {
      await endEverySession(api, {});
      await api.session.logout();
      client.clear();
      await navigate({ to: "/sign-in" });
    } else if (ending) {
      await endSession(api, ending.id);
      await client.invalidateQueries({ queryKey: ["sessions"] });
    }
  };
  return (
    <>
      <Panel
        title={t("account.sessions")}
        query={query}
        className="wide short"
        actions={
          <span className="links">
            {query.data?.some(({ current }) => !current) ? (
              <button type="button" className="link" onClick={() => setEnding("others")}>
                {t("admin.account.endOthers")}
              </button>
            ) : null}
            <button type="button" className="link" onClick={() => setEnding("all")}>
              {t("account.endAll")}
            </button>
          </span>
        }
      >
        {(found) => (
          <ListTable
            caption={t("account.sessions")}
            rows={found}
            rowKey={(one) => one.id}
            columns={[
              {
                name: t("account.device"),
                cell: (one) => (
                  <>
                    <bdi className="event-name" title={one.user_agent.slice(0, 300)}>
                      {deviceOf(one.user_agent) || t("account.unknown")}
                    </bdi>{" "}
                    {one.current ? <span className="state stored">{t("account.this")}</span> : null}
                  </>
                ),
              },
              { name: t("account.address"), kind: "wide", cell: (one) => <bdi>{one.address || "–"}</bdi> },
              { name: t("account.since"), kind: "wide", cell: (one) => formatDay(one.created_at, language) },
              { name: t("account.used"), cell: (one) => formatAgo(one.last_used_at, now, language) },
              {
                name: t("account.end"),
                kind: "bare",
                cell: (one) =>
                  one.current ? null : (
                    <button
                      type="button"
                      className="link"
                      aria-label={`${t("account.end")}: ${deviceOf(one.user_agent)}`}
                      onClick={() => setEnding(one)}
                    >
                      {t("account.end")}
                    </button>
                  ),
              },
            ]}
          />
        )}
      </Panel>
      {ending ? (
        <Confirm
          title={
            ending === "all"
              ? t("account.endAllTitle")
              : ending === "others"
                ? t("admin.account.endOthersTitle")
                : t("account.endTitle")
          }
          about={ending === "others" ? t("admin.account.endOthersAbout") : t("account.endAbout")}
          action={
            ending === "all"
              ? t("account.endAll")
              : ending === "others"
                ? t("admin.account.endOthers")
                : t("account.end")
          }
          run={end}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}
