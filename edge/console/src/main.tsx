// The console's start.
//
// Invariant: nothing is drawn outside #app. Refused: anything that belongs to a page.

import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/states.css";
import "./styles/links.css";
import "./styles/numbers.css";
import "./styles/limits.css";
import "./styles/video.css";
import "./styles/payments.css";
import { render } from "preact";
import { App } from "./app";

const root = document.getElementById("app");
if (root) render(<App />, root);
