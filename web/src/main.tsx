import "@fontsource-variable/inter/wght.css";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/tools.css";
import "./ui/print.css";
import "./ui/pages.css";
import "./ui/analysis.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { I18nextProvider } from "react-i18next";
import { Api, ApiProvider } from "./api/client";
import { ApiError } from "./api/problem";
import { Session } from "./api/session";
import { startTexts } from "./i18n";
import { makeRouter } from "./router";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the caller has to change does not get better by asking again.
      retry: (failures, error) =>
        failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

async function start(container: HTMLElement): Promise<void> {
  const session = new Session();
  const texts = await startTexts();
  createRoot(container).render(
    <StrictMode>
      <I18nextProvider i18n={texts}>
        <ApiProvider value={new Api(session)}>
          <QueryClientProvider client={queries}>
            <RouterProvider router={makeRouter(session)} />
          </QueryClientProvider>
        </ApiProvider>
      </I18nextProvider>
    </StrictMode>,
  );
}

const container = document.getElementById("root");
if (container) void start(container);
