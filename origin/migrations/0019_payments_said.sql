-- payments: what gateways say, with a schedule for what could not be applied, and what comes back.

-- An event that is parked is tried at `due`, later each time, until it is given up (no `due`);
-- what is new never waits for it. own = 1: the body is a report in our own words, made of a line
-- of the gateway's daily report.
alter table gateway_event add column attempts bigint not null default 0;
alter table gateway_event add column due bigint;
alter table gateway_event add column own bigint not null default 0;
update gateway_event set due = received_at where applied_at is null and error is not null;
create index gateway_event_parked on gateway_event (due)
where applied_at is null and error is not null;

-- payout.status: 3 returned. What the bank has given back of what it had paid, why, and the saga
-- that books it; return_transfer is what credits it.
alter table payout add column return_amount bigint;
alter table payout add column return_why text;
alter table payout add column return_saga bigint;
alter table payout add column return_transfer bigint;
alter table payout add column returned_at bigint;
create unique index payout_by_return on payout (return_saga) where return_saga is not null;
create unique index payout_by_return_transfer on payout (return_transfer)
where return_transfer is not null;
