import "./styles/tokens.css";
import "./styles/base.css";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { loadKey } from "./app/credential";
import { startI18n } from "./app/i18n";
import { createQueryClient } from "./app/queries";
import { createAppRouter } from "./app/router";
import { applyTheme } from "./app/theme";
import { Toasts } from "./ui/toast";

applyTheme();
loadKey();
await startI18n();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={createQueryClient()}>
        <Toasts>
          <Suspense fallback={null}>
            <RouterProvider router={createAppRouter()} />
          </Suspense>
        </Toasts>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
