-- What every product stands on: who calls, who issues ids, what waits for the edge, what arrived
-- from it, and what was answered. Times are milliseconds since 1970 (bigint), ids snowflakes.

-- One row per fact about the whole installation.
create table fact (
    name text not null constraint fact_pk primary key,
    value bigint not null
);
-- Raised by `origin replay --new-epoch` after a restore, so that what is replayed beats the edge.
insert into fact (name, value) values ('epoch', 1);

-- Snowflake node numbers, leased by running replicas.
create table node (
    n bigint not null constraint node_pk primary key,
    holder text not null,
    leased_until bigint not null
);

create table application (
    id text not null constraint application_pk primary key,
    name text not null constraint application_name_unique unique,
    tier text not null,
    created_at bigint not null
);

-- Service keys. The secret is stored hashed; a revoked key stays, as its newest version.
create table service_key (
    kid text not null constraint service_key_pk primary key,
    app text not null constraint service_key_app references application (id),
    name text not null,
    scopes text not null,
    secret_sha256 text not null,
    created_at bigint not null,
    revoked_at bigint,
    version bigint not null
);

-- Public keys that verify user tokens; without an application it is the platform's own.
create table verifier (
    kid text not null constraint verifier_pk primary key,
    app text,
    ed25519 text not null,
    created_at bigint not null,
    revoked_at bigint,
    version bigint not null
);

-- Registers that the edge has not acknowledged. A row is written in the transaction that changes
-- what it describes, and leaves when its home applied it. Parked rows wait for an operator.
create table outbox (
    id bigint not null constraint outbox_pk primary key,
    product text not null,
    key text not null,
    epoch bigint not null,
    version bigint not null,
    value text,
    attempts bigint not null,
    due bigint not null,
    created_at bigint not null,
    parked text
);
create index outbox_due on outbox (due) where parked is null;

-- Answers by idempotency key, written with their effect.
create table idempotency (
    scope text not null,
    key text not null,
    fingerprint text not null,
    answer text not null,
    expires_at bigint not null,
    constraint idempotency_pk primary key (scope, key)
);
create index idempotency_expiry on idempotency (expires_at);

-- One watermark per recorder of the edge: every event up to it is applied.
create table recorder (
    name text not null constraint recorder_pk primary key,
    applied_seq bigint not null,
    missing bigint not null,
    updated_at bigint not null
);

-- Events that no product could apply: visible, and blocking nobody.
create table dead_letter (
    id bigint not null constraint dead_letter_pk primary key,
    recorder text not null,
    seq bigint not null,
    product text not null,
    body text not null,
    why text not null,
    created_at bigint not null
);
