-- payments: fraud rules, what they were, and what was held against them.

-- An application's rules, live: one row, read by each of its payments. The version rises with
-- every change and is that of the rule which the change made.
create table fraud_set (
    app text not null constraint fraud_set_pk primary key,
    version bigint not null,
    -- Rules with their names and versions, as JSON, in the order of their names.
    rules text not null,
    updated_at bigint not null
);

-- Every change of a rule, and who made it; never changes (see sqlite/1013 and postgres/1013).
create table fraud_change (
    app text not null,
    version bigint not null,
    name text not null,
    action text not null,
    -- The rule since then; null: there was none.
    rule text,
    principal text not null,
    request_id text not null,
    created_at bigint not null,
    constraint fraud_change_pk primary key (app, version)
);
create index fraud_change_by_name on fraud_change (app, name, version);

-- Every payment that was held against rules, made or not; never changes. The body (JSON, as
-- `shared` writes it) holds what was known, but for the address, and what was said.
create table fraud_attempt (
    app text not null,
    id bigint not null,
    at bigint not null,
    seq bigint not null,
    verdict text not null,
    body text not null,
    constraint fraud_attempt_pk primary key (app, id)
);
create index fraud_attempt_by_time on fraud_attempt (app, at, seq, id);

-- What passed of a party: a row per payment and side.
create table fraud_step (
    flow bigint not null,
    at bigint not null,
    payment bigint not null,
    currency text not null,
    amount bigint not null,
    constraint fraud_step_pk primary key (flow, at, payment)
);

-- The last attempt of a party that a velocity was asked for. Its row is what two payments of one
-- party wait for: of them the second counts the first.
create table fraud_flow (
    flow bigint not null constraint fraud_flow_pk primary key,
    at bigint not null,
    seq bigint not null
);
