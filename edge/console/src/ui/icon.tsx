// The few pictures of the console, drawn with lines in the colour of the text.
//
// Invariant: decoration only; the button around it has the name. Refused: a picture from elsewhere.

const PATHS = {
  close: "M5 5l10 10M15 5L5 15",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4 10.5l4 4 8-9",
  edit: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M9 9v4M11 9v4",
  chart: "M4 16V9M8 16V4M12 16v-5M16 16V7",
  code: "M4 4h4v4H4zM12 4h4v4h-4zM4 12h4v4H4zM12 12h1.5v1.5H12zM15 15h1v1h-1z",
  back: "M12 4l-6 6 6 6",
  search: "M9 4a5 5 0 100 10A5 5 0 009 4zM13 13l3.5 3.5",
  plus: "M10 4v12M4 10h12",
  sun: "M10 6.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.5 4.5l1 1M14.5 14.5l1 1M15.5 4.5l-1 1M5.5 14.5l-1 1",
  moon: "M15.5 12.5A6.5 6.5 0 017.5 4.5a6.5 6.5 0 108 8z",
  system: "M3 4h14v9H3zM7 16.5h6",
  out: "M8 4H4v12h4M8 10h9M14 7l3 3-3 3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="glyph" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
