-- limits: policies with the record of their changes, and what was decided by them.

-- A row per name that ever was a policy; without `policy` it is a tombstone that keeps the version.
create table limit_policy (
    app text not null constraint limit_policy_app references application (id),
    name text not null,
    policy text,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    constraint limit_policy_pk primary key (app, name)
);

-- Who changed what, and what it was before.
create table limit_policy_change (
    id bigint not null constraint limit_policy_change_pk primary key,
    app text not null,
    name text not null,
    version bigint not null,
    action text not null,
    principal text not null,
    request_id text not null,
    before text,
    created_at bigint not null
);
create index limit_policy_change_by_policy on limit_policy_change (app, name, id);

-- Decisions by the slot of ten seconds; `app` may be the service itself.
create table limit_usage (
    app text not null,
    policy text not null,
    slot bigint not null,
    allowed bigint not null,
    refused bigint not null,
    shadowed bigint not null,
    failed_open bigint not null,
    failed_closed bigint not null,
    constraint limit_usage_pk primary key (app, policy, slot)
);
create index limit_usage_by_slot on limit_usage (slot);

-- Decisions about the busiest keys by the hour; a key is the first half of its SHA-256.
create table limit_usage_key (
    app text not null,
    policy text not null,
    hour bigint not null,
    key_hash text not null,
    allowed bigint not null,
    refused bigint not null,
    constraint limit_usage_key_pk primary key (app, policy, hour, key_hash)
);
create index limit_usage_key_by_hour on limit_usage_key (hour);
