-- payments: what happened to a payment never changes.
-- The number is 1000 more than that of the tables' own file; see sqlite/ for the other engine.

create trigger payment_event_no_change before update or delete on payment_event
for each row execute function refuse_change();
create trigger payment_event_no_truncate before truncate on payment_event
for each statement execute function refuse_change();
