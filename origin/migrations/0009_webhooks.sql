-- webhooks: what gateways sent, and what applications are told.
-- An endpoint's secret is not stored: it is made of DATA_KEY, the endpoint's number and `secret_n`.

-- A gateway's event, once. Whoever applies it to a payment sets `applied_at`, or `error`.
create table if not exists gateway_event (
    gateway text not null,
    event text not null,
    received_at bigint not null,
    body text not null,
    applied_at bigint,
    error text,
    primary key (gateway, event)
);

create table webhook_endpoint (
    id bigint not null constraint webhook_endpoint_pk primary key,
    app text not null,
    url text not null,
    -- Patterns, between blanks.
    events text not null,
    secret_n bigint not null,
    previous_until bigint,
    created_at bigint not null,
    -- Set: nothing is sent. With a reason, when it was disabled by itself.
    disabled_at bigint,
    disabled_reason text,
    delivered_at bigint,
    deleted_at bigint,
    version bigint not null
);
create index webhook_endpoint_by_app on webhook_endpoint (app, id) where deleted_at is null;

-- What happened, written in the transaction in which it did.
create table webhook_message (
    id bigint not null constraint webhook_message_pk primary key,
    app text not null,
    kind text not null,
    at bigint not null,
    body text not null
);

-- A message on its way to one endpoint. status: 0 pending, 1 delivered, 2 dead, 3 canceled.
-- `life_from`: its three days count from here; another one than its making once it was sent again.
create table webhook_delivery (
    id bigint not null constraint webhook_delivery_pk primary key,
    endpoint bigint not null,
    message bigint not null,
    status bigint not null,
    attempts bigint not null,
    due bigint not null,
    created_at bigint not null,
    life_from bigint not null,
    attempted_at bigint,
    response_status bigint,
    response_body text,
    error text
);
create index webhook_delivery_due on webhook_delivery (due, endpoint) where status = 0;
create index webhook_delivery_by_endpoint on webhook_delivery (endpoint, id);
create index webhook_delivery_by_message on webhook_delivery (message);
create index webhook_delivery_dead on webhook_delivery (id) where status = 2;
