import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useApi } from "../api/client";
import { presetsOf, previewOf, saveSegment, segmentOf } from "../api/segments";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";
import { GroupEditor } from "../panels/ConditionEditor";
import { useSentence } from "../panels/ConditionText";
import { Panel } from "../panels/Panel";
import { useAsk } from "../state/ask";
import { definitionOf, groupOf, isComplete, simplest } from "../state/condition";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field } from "../ui/form";

const PRESETS = ["new", "active", "dormant", "returning", "power", "at_risk", "big_spenders"] as const;

/** Puts a segment together, and says at once how many are in it. What is chosen stands in the address. */
export default function SegmentForm() {
  const { t, language } = useTexts();
  const { segment: id } = useParams({ strict: false }) as { segment?: string };
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("definitions.write");
  const sentence = useSentence();
  const [asked, change] = useAsk((one) => ({ definition: definitionOf(one.definition) }));
  const saved = useQuery({ ...segmentOf(api, project, id ?? ""), enabled: id !== undefined });
  const presets = useQuery(presetsOf(api, project)).data ?? [];
  const group = groupOf(asked.definition ?? saved.data?.definition ?? undefined);
  const complete = isComplete(group);
  const definition = simplest(group);
  const preview = useQuery({
    ...previewOf(api, project, definition),
    placeholderData: keepPreviousData,
    enabled: complete,
    retry: false,
  });
  const { busy, error, submit } = useSubmit(async ({ name = "", description = "" }) => {
    const segment = await saveSegment(api, project, { name, description, definition }, id);
    void client.invalidateQueries({ queryKey: [project] });
    await navigate({
      to: "/p/$project/segments/$segment",
      params: { project, segment: segment.id },
      search: sharedOf as never,
    });
  });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/segments" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("nav.segments")}
        </Link>
      </p>
      <div className="controls">
        <h1>{id ? t("segments.edit") : t("segments.make")}</h1>
      </div>
      <div className="built wide-builder">
        <section className="builder" aria-label={t("segments.conditions")}>
          {id ? null : (
            <div className="builder-part">
              <h2>{t("segments.presets")}</h2>
              <p className="tags">
                {presets.map((preset) => {
                  const known = PRESETS.find((one) => one === preset.id);
                  return (
                    <button
                      key={preset.id}
                      type="button"
                      className="pill"
                      title={known ? t(`segments.presetAbout.${known}`) : preset.description}
                      onClick={() => change({ definition: definitionOf(preset.definition) })}
                    >
                      {known ? t(`segments.preset.${known}`) : preset.name}
                    </button>
                  );
                })}
              </p>
            </div>
          )}
          <div className="builder-part">
            <h2>{t("segments.conditions")}</h2>
            <GroupEditor value={group} onChange={(next) => change({ definition: next })} self={id} />
          </div>
        </section>
        <div className="stack">
          {complete ? (
            <Panel title={t("segments.preview")} query={preview} className="short">
              {({ size, of_people, share }) => (
                <div className="stack">
                  <p className="big-number">
                    <strong>{formatNumber(size, language)}</strong>
                    <span className="faint">
                      {t("segments.ofPeople", {
                        people: formatNumber(of_people, language),
                        share: share === null ? "–" : formatPercent(share, language),
                      })}
                    </span>
                  </p>
                  <p className="faint">{sentence(definition)}</p>
                </div>
              )}
            </Panel>
          ) : (
            <section className="panel">
              <div className="empty">
                <p>{group.of.length ? t("segments.incomplete") : t("segments.begin")}</p>
              </div>
            </section>
          )}
          {writes && (!id || saved.data) ? (
            <form className="panel padded" onSubmit={submit}>
              <FormError error={error} />
              <Field
                label={t("projects.name")}
                name="name"
                maxLength={200}
                required
                defaultValue={saved.data?.name ?? ""}
              />
              <Field
                label={t("segments.description")}
                name="description"
                maxLength={1000}
                defaultValue={saved.data?.description ?? ""}
              />
              {complete ? (
                <button type="submit" className="button primary" aria-busy={busy}>
                  {busy ? t("form.busy") : t("form.save")}
                </button>
              ) : null}
            </form>
          ) : null}
        </div>
      </div>
    </>
  );
}
