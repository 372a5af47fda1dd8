-- payments: what happened to a payment never changes.
-- The number is 1000 more than that of the tables' own file; see postgres/ for the other engine.

create trigger payment_event_no_update before update on payment_event
begin select raise(abort, 'events are immutable'); end;
create trigger payment_event_no_delete before delete on payment_event
begin select raise(abort, 'events are immutable'); end;
create trigger payment_event_no_replace before insert on payment_event
when exists (select 1 from payment_event where payment = new.payment and n = new.n)
begin select raise(abort, 'events are immutable'); end;
