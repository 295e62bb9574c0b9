import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useApi } from "../api/client";
import { FORMATS, type Format } from "../api/reports";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";
import { Menu, MenuItem } from "../ui/menu";

/** A menu that saves a report in any of its formats; `file` says where one is. */
export function ReportFiles(props: {
  name: string;
  label?: string;
  file: (format: Format) => { path: string; query?: Record<string, string> };
}) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const { mutate, error, isPending } = useMutation({
    mutationFn: async (format: Format) => {
      const { path, query } = props.file(format);
      const { content } = await api.file(path, { project, query });
      download(`${props.name}.${format}`, content);
    },
  });
  return (
    <>
      <Menu
        label={props.label ?? t("reports.download")}
        align="end"
        trigger={
          <>
            <Download size={16} aria-hidden="true" className={isPending ? "waits" : undefined} />
            {t("reports.download")}
          </>
        }
      >
        {FORMATS.map((format) => (
          <MenuItem key={format} onSelect={() => mutate(format)}>
            {t(`reports.formats.${format}`)}
          </MenuItem>
        ))}
      </Menu>
      <FormError error={error ?? undefined} />
    </>
  );
}
