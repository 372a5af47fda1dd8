-- payments: payments, what happened to them, what gateways are to do, and what they say.
-- A payment's row is its body (JSON, as `shared` writes it); the other columns are what it is
-- found by. Its events never change: see sqlite/1008 and postgres/1008.

create table payment (
    id bigint not null constraint payment_pk primary key,
    app text not null,
    status text not null,
    gateway text,
    subject text,
    body text not null
);
create index payment_by_app on payment (app, id);
create index payment_by_subject on payment (gateway, subject) where subject is not null;

create table payment_event (
    payment bigint not null,
    n bigint not null,
    kind text not null,
    status text not null,
    amount bigint not null,
    detail text,
    at bigint not null,
    made_by text not null,
    request text not null,
    constraint payment_event_pk primary key (payment, n)
);

-- The accounts in which an application keeps what one gateway does, in one currency.
create table gateway_books (
    app text not null,
    gateway text not null,
    currency text not null,
    receivable bigint not null,
    settled bigint not null,
    fees bigint not null,
    owed bigint not null,
    constraint gateway_books_pk primary key (app, gateway, currency)
);

-- What gateways are to do: written with the step that needs it, sent until it is answered for
-- good. A row is leased by moving `due`. Parked rows wait for an operator.
create table gateway_order (
    key text not null constraint gateway_order_pk primary key,
    payment bigint not null,
    gateway text not null,
    action text not null,
    amount bigint not null,
    currency text not null,
    token text not null,
    subject text,
    attempts bigint not null,
    due bigint not null,
    created_at bigint not null,
    settled_at bigint,
    parked text
);
create index gateway_order_due on gateway_order (due) where settled_at is null and parked is null;
create index gateway_order_by_payment on gateway_order (payment);

-- What gateways say of themselves: verified, once per event, applied later and in any order.
create table if not exists gateway_event (
    gateway text not null,
    event text not null,
    received_at bigint not null,
    body text not null,
    applied_at bigint,
    error text,
    primary key (gateway, event)
);
create index gateway_event_due on gateway_event (received_at)
where applied_at is null and error is null;

-- The gateway `simulator`: what it did, a row per key.
create table simulated (
    key text not null constraint simulated_pk primary key,
    action text not null,
    reference text not null,
    subject text not null,
    token text not null,
    amount bigint not null,
    currency text not null,
    -- The report that it answers, as JSON.
    report text not null,
    -- Nobody hears of it before.
    known_at bigint not null,
    made_at bigint not null
);
create index simulated_by_subject on simulated (subject);
create index simulated_by_time on simulated (made_at);
