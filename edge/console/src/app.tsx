// The frame: header, navigation, the page of the place, and the words about what happened.
//
// Invariant: a product is in `PRODUCTS` once its page is there, never before. A new place moves the
// focus to its heading and names itself in the title. Refused: anything of one product.

import type { ComponentType } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Limits } from "./limits/page";
import { Links } from "./links/page";
import { Payments } from "./payments/page";
import { href, place } from "./route";
import { end, key } from "./session";
import { SignIn } from "./sign-in";
import { choose, theme, THEMES, type Theme } from "./theme";
import { Announcer, say } from "./ui/announce";
import { Icon, type IconName } from "./ui/icon";
import { Videos } from "./video/page";

interface Product {
  name: string;
  title: string;
  page: ComponentType<{ at: string[] }>;
}

const PRODUCTS: readonly Product[] = [
  { name: "links", title: "Links", page: Links },
  { name: "limits", title: "Limits", page: Limits },
  { name: "video", title: "Video", page: Videos },
  { name: "payments", title: "Payments", page: Payments },
];

const THEME_ICONS: Record<Theme, IconName> = { system: "system", light: "sun", dark: "moon" };

function ThemeButton() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  const turn = () => {
    choose(next);
    say(`Colours: ${next}`);
  };
  return (
    <button
      type="button"
      class="icon"
      onClick={turn}
      aria-label={`Colours: ${theme.value}. Change to ${next}`}
      title={`Colours: ${theme.value}`}
    >
      <Icon name={THEME_ICONS[theme.value]} />
    </button>
  );
}

function Header({ current }: { current: string }) {
  return (
    <header class="top">
      <div class="inner">
        <span class="brand">
          <span class="mark" aria-hidden="true" />
          Selvedge
        </span>
        {key.value && (
          <nav aria-label="Products">
            <ul>
              {PRODUCTS.map(({ name, title }) => (
                <li key={name}>
                  <a href={href(name)} aria-current={name === current ? "page" : undefined}>
                    {title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        )}
        <div class="tools">
          <ThemeButton />
          {key.value && (
            <button type="button" class="quiet" onClick={() => end("You are signed out.")}>
              <Icon name="out" />
              Sign out
            </button>
          )}
        </div>
      </div>
    </header>
  );
}

/** The browser's own jump would change the fragment, which is our place. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

export function App() {
  const [first, ...rest] = place.value;
  const product = PRODUCTS.find(({ name }) => name === first) ?? PRODUCTS[0];
  const where = key.value ? place.value.join("/") : "sign-in";
  const before = useRef(where);

  useLayoutEffect(() => {
    if (before.current === where) return;
    before.current = where;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus();
  }, [where]);

  const Page = product?.page;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header current={product?.name ?? ""} />
      <main id="main" tabIndex={-1}>
        {key.value && Page ? <Page at={rest} /> : <SignIn />}
      </main>
      <Announcer />
    </>
  );
}
