-- payments: the record of fraud rules and of what they said never changes.
-- The number is 1000 more than that of the tables' own file; see sqlite/ for the other engine.

create trigger fraud_change_no_change before update or delete on fraud_change
for each row execute function refuse_change();
create trigger fraud_change_no_truncate before truncate on fraud_change
for each statement execute function refuse_change();
create trigger fraud_attempt_no_change before update or delete on fraud_attempt
for each row execute function refuse_change();
create trigger fraud_attempt_no_truncate before truncate on fraud_attempt
for each statement execute function refuse_change();
