-- payments: sagas with the log of their steps, and payouts.

-- status: 0 running, 1 compensating, 2 done, 3 compensated, 4 stuck. A row is leased by moving
-- `due` and raising `lease`, which the ending of a step must name.
create table saga (
    id bigint not null constraint saga_pk primary key,
    kind text not null,
    app text not null,
    subject bigint not null,
    step bigint not null,
    status bigint not null,
    undoing bigint not null,
    attempts bigint not null,
    due bigint,
    lease bigint not null,
    why text,
    created_at bigint not null
);
create index saga_due on saga (due) where due is not null;

-- What was begun, and how it ended; never changed.
create table saga_log (
    saga bigint not null,
    n bigint not null,
    name text not null,
    what text not null,
    why text,
    at bigint not null,
    constraint saga_log_pk primary key (saga, n)
);

-- status: 0 processing, 1 paid, 2 failed. transfer: what is reserved.
create table payout (
    id bigint not null constraint payout_pk primary key,
    app text not null,
    account bigint not null,
    amount bigint not null,
    currency text not null,
    gateway text not null,
    subject text,
    transfer bigint not null,
    saga bigint not null,
    status bigint not null,
    failure text,
    created_at bigint not null,
    created_by text not null,
    created_request text not null,
    ended_at bigint
);
create index payout_by_app on payout (app, id);
create unique index payout_by_transfer on payout (transfer);

-- Where the money goes: personal data, aside from everything that must be kept.
create table payout_bank (
    payout bigint not null constraint payout_bank_pk primary key,
    last4 text not null,
    details text not null
);
