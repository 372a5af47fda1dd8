-- payments: the record of fraud rules and of what they said never changes.
-- The number is 1000 more than that of the tables' own file; see postgres/ for the other engine.

create trigger fraud_change_no_update before update on fraud_change
begin select raise(abort, 'the record is immutable'); end;
create trigger fraud_change_no_delete before delete on fraud_change
begin select raise(abort, 'the record is immutable'); end;
create trigger fraud_attempt_no_update before update on fraud_attempt
begin select raise(abort, 'the record is immutable'); end;
create trigger fraud_attempt_no_delete before delete on fraud_attempt
begin select raise(abort, 'the record is immutable'); end;
