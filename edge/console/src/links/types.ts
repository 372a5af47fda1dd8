// A link and its numbers, as the API answers them.
//
// Invariant: what this edge may lack is optional. Refused: anything that is computed here.

export interface Rule {
  to: string;
  weight?: number | null;
  after?: string | null;
  before?: string | null;
  [condition: string]: string | string[] | number | null | undefined;
}

export interface Link {
  id: string;
  short_code: string;
  short_url: string;
  long_url: string;
  redirect: number;
  title: string | null;
  tags: string[];
  created_at: string;
  expires_at: string | null;
  rules?: Rule[];
  max_clicks?: number | null;
  fallback_url?: string | null;
  external_id?: string | null;
  password?: boolean | null;
  has_password?: boolean | null;
}

export interface Slot {
  at: string;
  clicks: number;
}

export type Counts = Record<string, number>;

export interface Stats {
  clicks: number;
  bots?: number;
  unique_visitors?: number;
  series: Slot[];
  by_country?: Counts;
  by_referrer?: Counts;
  by_device?: Counts;
  by_browser?: Counts;
  by_os?: Counts;
}

export const path = (code: string): string => `/api/v1/links/${encodeURIComponent(code)}`;
export const nameOf = (link: Link): string => link.title || link.short_code;
export const isProtected = (link: Link): boolean => Boolean(link.password || link.has_password);
export const isExpired = (link: Link): boolean =>
  link.expires_at !== null && Date.parse(link.expires_at) <= Date.now();
