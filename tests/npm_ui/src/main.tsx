import { createRoot } from "react-dom/client";
import { App } from "./App";

createRoot(document.getElementById("root")!).render(
  <App backend={{ rest: "http://localhost:8080", events: "ws://localhost:8081/events" }} />,
);
