// Amounts as people write them and as the API counts them: integers of the currency's minor unit.
//
// Invariant: no amount is ever a fraction of the machine's: digits are moved as text. The exponents
// are ISO 4217's, held against `shared` by tests/golden; the browser's own differ from them.
// Refused: to round what was typed.

/** The currencies that do not have two decimals. */
const EXPONENTS: Record<string, number> = {
  BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0,
  KWD: 3, LYD: 3, OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, UYW: 4, VND: 0, VUV: 0, XAF: 0,
  XOF: 0, XPF: 0,
};

export const exponentOf = (currency: string): number => EXPONENTS[currency.toUpperCase()] ?? 2;

/** `-1250` of `EUR` is `-12.50`. */
export function plain(amount: number, currency: string): string {
  const decimals = exponentOf(currency);
  const digits = String(Math.abs(amount)).padStart(decimals + 1, "0");
  const at = digits.length - decimals;
  const sign = amount < 0 ? "-" : "";
  return sign + digits.slice(0, at) + (decimals ? `.${digits.slice(at)}` : "");
}

/** With the currency's code, in the reader's form. */
export function money(amount: number, currency: string): string {
  const decimals = exponentOf(currency);
  const form = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  // A text is formatted as it stands, a number would be a binary fraction.
  const text = plain(amount, currency) as Intl.StringNumericLiteral;
  return `${currency}\u00a0${new Intl.NumberFormat(undefined, form).format(text)}`;
}

/** What was typed, in minor units; or what is wrong with it. */
export function minor(text: string, currency: string): number | string {
  const typed = text.trim().replace(",", ".");
  if (typed === "") return "is missing";
  const parts = /^(\d+)(?:\.(\d*))?$/.exec(typed);
  if (!parts) return "must be a number such as 12.50, without signs and blanks";
  const decimals = exponentOf(currency);
  const given = parts[2] ?? "";
  if (given.length > decimals) {
    return `has more than the ${decimals} decimals of ${currency || "the currency"}`;
  }
  const amount = Number((parts[1] ?? "") + given.padEnd(decimals, "0"));
  return Number.isSafeInteger(amount) ? amount : "is too large";
}
