-- links: rules, bounds and the caller's own names; unique visitors; domains that are refused.

alter table link add column rules text;
alter table link add column max_clicks bigint;
alter table link add column fallback_url text;
alter table link add column external_id text;
-- A hash of target and settings, for `reuse`.
alter table link add column likeness bigint not null default 0;
-- The row was shrunk to a tombstone.
alter table link add column swept_at bigint;

create index link_by_likeness on link (app, likeness) where deleted_at is null;
create unique index link_external_id_unique on link (app, external_id)
    where external_id is not null and deleted_at is null;
create index link_by_expiry on link (expires_at) where swept_at is null;
create index link_by_deletion on link (deleted_at) where swept_at is null;

-- A HyperLogLog sketch of each link's visitors by the day, base64.
create table visitor_day (
    link bigint not null,
    day bigint not null,
    sketch text not null,
    constraint visitor_day_pk primary key (link, day)
);

-- Domains that no link may lead to, with everything below them.
create table blocked_domain (
    name text not null constraint blocked_domain_pk primary key,
    reason text not null,
    created_at bigint not null
);
