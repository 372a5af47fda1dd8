// What every page is asked about its use by everyone: axe's rules, its width, its reach by Tab.
//
// Invariant: every violation that axe finds fails, whatever its impact. Refuses to know a page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as h from "./harness.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TABS_MAX = 250;

async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document));
  return found.violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} (${impact}): ${html}\n  ${failureSummary}`),
  );
}

async function beyond(page) {
  return page.evaluate(() => {
    const right = (element) => element.getBoundingClientRect().right;
    const all = [...document.querySelectorAll("body *:not(.silent, .silent *)")];
    return all.filter((each) => right(each) > innerWidth + 1).map((each) => each.outerHTML);
  });
}

/** Leads through views by their names, and asks each for violations and for what is too wide. */
export async function walk(page, width, views) {
  for (const [name, lead] of Object.entries(views)) {
    await lead(page);
    assert.deepEqual(await violations(page), [], name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${name}: ${wide} px in a window of ${width}`);
    assert.deepEqual(await beyond(page), [], `${name}: beyond the window's edge`);
  }
}

/** The same in a window of its own. */
export async function everywhere(browser, colorScheme, width, views, expected) {
  const viewport = { width, height: 844 };
  const { context, page, watch } = await h.open(browser, { colorScheme, viewport });
  await walk(page, width, views);
  await watch.verdict({ expected });
  await context.close();
}

/** The windows in which every view is looked at. */
export const WINDOWS = ["light", "dark"].flatMap((scheme) =>
  [390, 1280].map((width) => [scheme, width]),
);

/** Presses Tab until what is focused has the name. */
export async function tabTo(page, name) {
  const focused = page.locator(":focus");
  for (let presses = 0; presses < TABS_MAX; presses += 1) {
    await page.keyboard.press("Tab");
    const one = page.getByLabel(name).or(page.getByText(name, { exact: true })).and(focused);
    if ((await one.count()) === 0) continue;
    const outline = await focused.evaluate((each) => getComputedStyle(each).outlineStyle);
    assert.notEqual(outline, "none", `the focus on ${name} is not visible`);
    return;
  }
  assert.fail(`Tab does not reach ${name}`);
}
